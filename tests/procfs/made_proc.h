#pragma once

// A /proc made by hand.

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "procfs/process_trees.h"
#include "support/temporary_folder.h"

namespace reeve::procfs {

struct MadeProcess {
  int parent = 1;
  std::string name = "web";
  char state = 'S';
  int user = 0;
  int system = 0;
  int children_user = 0;
  int children_system = 0;
  int threads = 1;
  int start = 1000;
  int pages = 1;
  int read = 0;
  int written = 0;
};

class MadeProc {
 public:
  MadeProc() {
    std::filesystem::create_directory(path());
    put("stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 5\n");
  }

  [[nodiscard]] std::string path() const { return folder_.path() + "/proc"; }

  /// Makes it or changes it.
  void set(int pid, const MadeProcess& made) const {
    const std::string folder = std::to_string(pid);
    const auto text = [](int number) { return " " + std::to_string(number); };
    std::filesystem::create_directories(path() + "/" + folder + "/fd");
    put(folder + "/stat", folder + " (" + made.name + ") " + made.state + text(made.parent) +
                              " 7 7 0 -1 4194304 97 0 0 0" + text(made.user) + text(made.system) +
                              text(made.children_user) + text(made.children_system) + " 20 0" +
                              text(made.threads) + " 0" + text(made.start) + " 3133440" +
                              text(made.pages) + " 18446744073709551615 0\n");
    put(folder + "/io", "rchar: 9\nwchar: 9\nsyscr: 1\nsyscw: 1\nread_bytes:" + text(made.read) +
                            "\nwrite_bytes:" + text(made.written) + "\ncancelled_write_bytes: 7\n");
    put(folder + "/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            1024                 1048576              files     \n");
    put(folder + "/smaps_rollup",
        "00400000-7fff00000000 ---p 00000000 00:00 0   [rollup]\nRss: 8 kB\nPss: 5 kB\n"
        "Pss_Dirty: 1 kB\n");
  }
  void put(const std::string& file, const std::string& text) const {
    std::ofstream(path() + "/" + file, std::ios::binary) << text;
  }
  void remove(int pid) const { std::filesystem::remove_all(path() + "/" + std::to_string(pid)); }
  void remove(const std::string& file) const { std::filesystem::remove_all(path() + "/" + file); }

 private:
  tests::TemporaryFolder folder_;
};

}  // namespace reeve::procfs
