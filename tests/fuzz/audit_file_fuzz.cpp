// Any bytes as a file of the audit: read from its end it has the same whole lines as from its
// beginning, each at its place; and an entry in it is found by its head.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "control/audit_entry.h"
#include "records/rotated_lines.h"
#include "support/temporary_folder.h"

namespace {

using namespace reeve;

void demand(bool condition) {
  if (!condition) {
    std::abort();
  }
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

void check_entry(std::string_view line) {
  (void)control::audit_entry_head_from(line);
  auto entry = control::audit_entry_from(line);
  if (!entry) {
    return;
  }
  const std::string written = to_line(*entry);
  const auto again = control::audit_entry_from(written);
  const auto head = control::audit_entry_head_from(written);
  demand(again && head && head->at == again->at && head->kind == again->kind);
  (void)has_effect(*entry);
  const std::size_t before = written.size();
  shorten(*entry);
  demand(to_line(*entry).size() < before + 200);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tests::TemporaryFolder folder;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string path = folder.path() + "/audit.jsonl";
  std::ofstream(path, std::ios::binary) << text;
  const auto source = *records::LineSource::open(path);
  std::vector<std::string> backwards;
  const auto done = source->read_backwards([&](std::string_view line, std::uint64_t offset) {
    demand(source->read(offset, line.size()) == line);
    check_entry(line);
    backwards.emplace_back(line);
    return true;
  });
  std::reverse(backwards.begin(), backwards.end());
  demand(!done || backwards == lines_of(text));
  return 0;
}
