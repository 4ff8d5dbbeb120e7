# The libraries, all from Debian. Each target below is linked by the parts that use the library,
# as tests/architecture/check.py lists them.
if(REEVE_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
  set(OPENSSL_USE_STATIC_LIBS ON)
endif()
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Boost 1.81 REQUIRED) # Beast and Asio are headers alone
find_package(tl-expected CONFIG REQUIRED)
find_package(tinyxml2 CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED) # has no version file
if(REEVE_STATIC) # the package's own target is the shared library
  find_library(yaml_cpp_archive yaml-cpp REQUIRED)
  add_library(yaml-cpp::yaml-cpp STATIC IMPORTED)
  set_target_properties(yaml-cpp::yaml-cpp PROPERTIES IMPORTED_LOCATION "${yaml_cpp_archive}")
else()
  find_package(yaml-cpp CONFIG REQUIRED)
endif()
if(NOT TARGET yaml-cpp::yaml-cpp) # Debian 12 calls it yaml-cpp, Debian 13 yaml-cpp::yaml-cpp
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(libcrypt REQUIRED IMPORTED_TARGET libxcrypt)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
# A compiled library whose flags change class layout: those that it was built with must be used.
if(REEVE_STATIC) # it is one of packaging/static/libraries
  find_package(httplib CONFIG REQUIRED)
  add_library(PkgConfig::httplib ALIAS httplib::httplib)
else()
  pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
endif()
if(BUILD_TESTING)
  find_package(Catch2 CONFIG REQUIRED) # 2 on Debian 12, 3 on Debian 13
  find_package(Python3 COMPONENTS Interpreter REQUIRED)
endif()
