#include "base/build_info.h"

namespace reeve::base {

BuildInfo build_info() {
  return {REEVE_VERSION, REEVE_REVISION, REEVE_COMPILER};
}

}  // namespace reeve::base
