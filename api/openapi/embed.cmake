# Turns the OpenAPI documents into a source file: cmake -DOUT=… -DDIR=… -P embed.cmake
set(FUNCTIONS "")
foreach(document mx2 operator app_pkgm optimizer mepm)
  file(READ ${DIR}/${document}.yaml TEXT)
  string(APPEND FUNCTIONS "std::string ${document}_yaml() { return R\"__yaml(${TEXT})__yaml\"; }\n")
endforeach()
file(WRITE ${OUT} "#include \"api/openapi/openapi.h\"
namespace mx2::openapi {
${FUNCTIONS}}  // namespace mx2::openapi
")
