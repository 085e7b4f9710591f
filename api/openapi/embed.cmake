# Turns the OpenAPI documents into a source file: cmake -DOUT=… -DDIR=… -P embed.cmake
file(READ ${DIR}/mx2.yaml MX2)
file(READ ${DIR}/operator.yaml OPERATOR)
file(WRITE ${OUT} "#include \"api/openapi/openapi.h\"
namespace mx2::openapi {
std::string mx2() { return R\"__yaml(${MX2})__yaml\"; }
std::string operator_api() { return R\"__yaml(${OPERATOR})__yaml\"; }
}  // namespace mx2::openapi
")
