// The endpoints of the status page: files, and no data. They are open to all; what the page shows
// it asks the API for, with the credentials of the person before it.

#include <algorithm>
#include <string>
#include <string_view>

#include "api/http_helpers.h"
#include "api/page_files.h"
#include "api/routes.h"

namespace reeve::api {
namespace {

/// No inline script or style, nothing from elsewhere, no frame around it, and no text that becomes
/// HTML: the browser refuses it (trusted types).
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'";

EndpointResult file_response(const RequestContext& context, std::string_view name,
                             std::string_view cache_control) {
  const auto files = page_files();
  const auto file =
      std::find_if(files.begin(), files.end(), [&](const auto& each) { return each.name == name; });
  if (file == files.end()) {
    return tl::unexpected(
        Problem{.status = 404, .type = "no_such_route", .detail = "the page has no such file"});
  }
  const bool gzip = accepts_gzip(context.request.header("Accept-Encoding").value_or(""));
  http::Response response =
      make_response(200, file->content_type, std::string(gzip ? file->gzip : file->plain));
  for (http::Header& header : response.headers) {
    if (header.name == "Cache-Control") {
      header.value = cache_control;
    }
  }
  if (gzip) {
    response.headers.push_back({"Content-Encoding", "gzip"});
  }
  response.headers.push_back({"Vary", "Accept-Encoding"});
  response.headers.push_back({"Content-Security-Policy", std::string(content_security_policy)});
  response.headers.push_back({"Referrer-Policy", "no-referrer"});
  response.headers.push_back({"Cross-Origin-Opener-Policy", "same-origin"});
  response.headers.push_back({"Cross-Origin-Resource-Policy", "same-origin"});
  return response;
}

}  // namespace

EndpointResult show_page(const RequestContext& context) {
  return file_response(context, "index.html", "no-store");
}

EndpointResult show_page_file(const RequestContext& context) {
  const bool is_current = context.path_parameters.at(0) == page_version();
  return file_response(context, is_current ? std::string_view(context.path_parameters.at(1)) : "",
                       "public, max-age=31536000, immutable");
}

}  // namespace reeve::api
