#pragma once

// The look at an answer's text before tinyxml2 parses it, in linear time: it holds the text to
// the limits, refuses what XML-RPC never has (attributes and unterminated references cost
// tinyxml2 quadratic time), carries through what tinyxml2 would lose (NUL, CR, text of white
// space alone), and cuts a long array into slices, so that only a few kilobytes are a tree at
// any time. Pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/result.h"
#include "xmlrpc/codec.h"

namespace reeve::xmlrpc {

struct ScannedXml {
  std::string xml;  ///< fit for tinyxml2; in place of each slice stands an element `<_/>`
  /// Runs of sibling elements cut out, in order: views of the text scanned, to be scanned in turn.
  std::vector<std::string_view> slices;
};

constexpr const char* slice_mark = "_";

/// `text` begins at an element. malformed: not well-formed, not XML-RPC, or beyond a limit.
[[nodiscard]] base::Result<ScannedXml> scan_xml(std::string_view text, const DecodeLimits& limits);

/// Text as it was before scan_xml made it fit for tinyxml2.
[[nodiscard]] std::string restore_text(std::string_view text);

}  // namespace reeve::xmlrpc
