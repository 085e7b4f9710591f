# Makes an application package: cmake -DOUT=… -DDESCRIPTOR=… -DPROGRAM=… [-DSHARE=…] -DVERSION=…
# -DARCHITECTURE=… -DZIP=… [-DSTRIP=…] -P package.cmake
#
# The same input gives the same bytes: names in this order, one time for all files.
cmake_minimum_required(VERSION 3.22)
set(STAGE ${OUT}.d)
file(REMOVE_RECURSE ${STAGE})
configure_file(${DESCRIPTOR} ${STAGE}/appd.json @ONLY)
get_filename_component(NAME ${PROGRAM} NAME)
file(COPY ${PROGRAM} DESTINATION ${STAGE}/bin)
if(STRIP)  # a tenth of the size without what only debuggers read
  execute_process(COMMAND ${STRIP} ${STAGE}/bin/${NAME} COMMAND_ERROR_IS_FATAL ANY)
endif()
set(FILES appd.json bin/${NAME})
if(SHARE)
  get_filename_component(SHARED ${SHARE} NAME)
  file(COPY ${SHARE} DESTINATION ${STAGE}/share)
  list(APPEND FILES share/${SHARED})
endif()
# zip, and not cmake -E tar, which records when the files were last read and changed.
set(ENV{TZ} UTC)
execute_process(COMMAND touch -d "2000-01-01 00:00:00" ${FILES}
  WORKING_DIRECTORY ${STAGE} COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE ${OUT})
execute_process(COMMAND ${ZIP} -q -X -D ${OUT} ${FILES}
  WORKING_DIRECTORY ${STAGE} COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE ${STAGE})
