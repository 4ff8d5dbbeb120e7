#pragma once

// docs/openapi.json, as it was when the program was built.

#include <string_view>

namespace reeve::api {

[[nodiscard]] std::string_view openapi_document();

}  // namespace reeve::api
