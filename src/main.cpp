#include "app/run.h"

int main(int argc, char** argv) {
  return reeve::app::run(argc, argv);
}
