#pragma once

// A TLS client whose handshake stands still once the server has answered its ClientHello.

#include <cstdint>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.h"

namespace reeve::http {

class SlowHandshake {
 public:
  explicit SlowHandshake(std::uint16_t port)
      : context_(::SSL_CTX_new(::TLS_client_method())),
        descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
    session_ = ::SSL_new(context_);
    ::SSL_set_wfd(session_, descriptor_);
    BIO* const nothing_yet = ::BIO_new(::BIO_s_mem());
    BIO_set_mem_eof_return(nothing_yet, -1);
    ::SSL_set0_rbio(session_, nothing_yet);
    CHECK(::SSL_connect(session_) == -1);  // the ClientHello is sent
  }
  SlowHandshake(const SlowHandshake&) = delete;
  SlowHandshake& operator=(const SlowHandshake&) = delete;
  ~SlowHandshake() {
    ::SSL_free(session_);
    ::SSL_CTX_free(context_);
    ::close(descriptor_);
  }

  [[nodiscard]] bool is_answered() const {
    pollfd server{descriptor_, POLLIN, 0};
    return ::poll(&server, 1, 60'000) == 1;
  }
  /// Goes on, and asks for "/": the answer.
  [[nodiscard]] std::string get() const {
    ::SSL_set_rfd(session_, descriptor_);
    constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    std::string answer(1000, '\0');
    if (::SSL_connect(session_) != 1 ||
        ::SSL_write(session_, request.data(), static_cast<int>(request.size())) <= 0) {
      return "";
    }
    const int size = ::SSL_read(session_, answer.data(), static_cast<int>(answer.size()));
    answer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return answer;
  }

 private:
  SSL_CTX* context_;
  int descriptor_;
  SSL* session_ = nullptr;
};

}  // namespace reeve::http
