# Application packages: `mx2_packages` makes them all, in packages/*.zip of the build folder.
find_program(ZIP zip REQUIRED)
add_custom_target(mx2_packages)
set(MX2_PACKAGES_DIR ${CMAKE_BINARY_DIR}/packages)
set(MX2_PACKAGE_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/package.cmake)
file(MAKE_DIRECTORY ${MX2_PACKAGES_DIR})

# mx2_package(NAME TARGET DESCRIPTOR [file for share/]): packages/NAME.zip, whose appd.json is made
# of DESCRIPTOR.
function(mx2_package name target descriptor)
  set(zip ${MX2_PACKAGES_DIR}/${name}.zip)
  add_custom_command(OUTPUT ${zip}
    COMMAND ${CMAKE_COMMAND} -DOUT=${zip} -DPROGRAM=$<TARGET_FILE:${target}> -DSHARE=${ARGN}
            -DDESCRIPTOR=${CMAKE_CURRENT_SOURCE_DIR}/${descriptor}
            -DVERSION=${PROJECT_VERSION} -DARCHITECTURE=${CMAKE_SYSTEM_PROCESSOR}
            -DZIP=${ZIP} -DSTRIP=${CMAKE_STRIP} -P ${MX2_PACKAGE_SCRIPT}
    DEPENDS ${target} ${descriptor} ${MX2_PACKAGE_SCRIPT} ${ARGN})
  add_custom_target(mx2_package_${name} DEPENDS ${zip})
  add_dependencies(mx2_packages mx2_package_${name})
endfunction()
