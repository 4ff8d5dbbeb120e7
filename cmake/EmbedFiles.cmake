# cmake -DFOLDER=… -DOUTPUT=… -P EmbedFiles.cmake
#
# Writes OUTPUT, a C++ source with every file of FOLDER, as it is and gzipped, for
# api/page_files.h. The version is a digest of all files: @VERSION@ in index.html becomes it, so
# that a browser may keep the others for ever.
cmake_minimum_required(VERSION 3.25)

file(GLOB names RELATIVE "${FOLDER}" "${FOLDER}/*")
list(SORT names)
set(digests "")
foreach(name ${names})
  file(SHA256 "${FOLDER}/${name}" digest)
  string(APPEND digests "${name} ${digest}\n")
endforeach()
string(SHA256 version "${digests}")
string(SUBSTRING "${version}" 0 16 VERSION)

# The bytes of a file as a std::string_view.
function(literal file variable)
  file(READ "${file}" bytes HEX)
  if(file MATCHES "\\.gz$")
    # Bytes 4 to 7 say when it was made.
    string(SUBSTRING "${bytes}" 0 8 begin)
    string(SUBSTRING "${bytes}" 16 -1 end)
    set(bytes "${begin}00000000${end}")
  endif()
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  set(${variable} "{\"${bytes}\", ${size}}" PARENT_SCOPE)
endfunction()

set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")
set(rows "")
set(total 0)
foreach(name ${names})
  string(REGEX REPLACE ".*\\." "" extension "${name}")
  if(NOT DEFINED types_${extension})
    message(FATAL_ERROR "${name}: which content type is that?")
  endif()
  set(plain "${OUTPUT}.${name}")
  configure_file("${FOLDER}/${name}" "${plain}" COPYONLY)
  if(name STREQUAL "index.html")
    configure_file("${FOLDER}/${name}" "${plain}" @ONLY)
  endif()
  file(ARCHIVE_CREATE OUTPUT "${plain}.gz" PATHS "${plain}" FORMAT raw COMPRESSION GZip
       COMPRESSION_LEVEL 9)
  literal("${plain}" bytes)
  literal("${plain}.gz" compressed)
  file(SIZE "${plain}.gz" size)
  math(EXPR total "${total} + ${size}")
  file(REMOVE "${plain}" "${plain}.gz")
  string(APPEND rows "    {\"${name}\", \"${types_${extension}}\",\n     ${bytes},\n     ${compressed}},\n")
endforeach()

if(total GREATER 80000)
  message(FATAL_ERROR "the page has ${total} bytes, gzipped: at most 80000")
endif()
file(WRITE "${OUTPUT}" "#include \"api/page_files.h\"

namespace reeve::api {
namespace {

constexpr PageFile files[] = {
${rows}};

}  // namespace

std::string_view page_version() {
  return \"${VERSION}\";
}

std::span<const PageFile> page_files() {
  return files;
}

}  // namespace reeve::api
")
