# What CPack makes of an installation: Debian packages by component, and a tarball of all of it.
# deploy/package.sh runs it; tests/deploy/package_test.py looks at what comes out.
set(DEBIAN ${CMAKE_CURRENT_LIST_DIR})
set(DEBIAN_MADE ${CMAKE_BINARY_DIR}/debian)
set(MX2_MAINTAINER "The Mx2 orchestrator authors <maintainers@mx2.example>" CACHE STRING
  "Maintainer of the Debian packages: Name <address>")

# Packages link the libraries of one release, so their version names it, and a newer release of
# Debian has the higher one.
set(OS_ID linux)
set(OS_VERSION "")
set(OS_RELEASE "")
if(EXISTS /etc/os-release)
  file(STRINGS /etc/os-release OS_RELEASE REGEX "^(ID|VERSION_ID)=")
endif()
foreach(line ${OS_RELEASE})
  if(line MATCHES "^ID=\"?([a-z]+)")
    set(OS_ID ${CMAKE_MATCH_1})
  elseif(line MATCHES "^VERSION_ID=\"?([0-9.]+)")
    set(OS_VERSION ${CMAKE_MATCH_1})
  endif()
endforeach()
set(DEBIAN_REVISION 1~${OS_ID}${OS_VERSION})
set(DEBIAN_VERSION ${PROJECT_VERSION}-${DEBIAN_REVISION})

# configuration(NAME FROM OLD NEW...): /etc/mx2/NAME is an example, with what a package has otherwise.
function(configuration name from)
  file(READ ${CMAKE_SOURCE_DIR}/deploy/example/${from} text)
  set(changes ${ARGN})
  while(changes)
    list(POP_FRONT changes old new)
    string(FIND "${text}" "${old}" at)
    if(at EQUAL -1)
      message(FATAL_ERROR "deploy/example/${from} has no line '${old}'")
    endif()
    string(REPLACE "${old}" "${new}" text "${text}")
  endwhile()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/deploy/example/${from})
  file(WRITE ${DEBIAN_MADE}/etc/${name} "${text}")
  file(APPEND ${DEBIAN_MADE}/conffiles "/etc/mx2/${name}\n")
  install(FILES ${DEBIAN_MADE}/etc/${name} DESTINATION /etc/mx2 COMPONENT mx2_debian EXCLUDE_FROM_ALL)
endfunction()

file(REMOVE ${DEBIAN_MADE}/conffiles)
configuration(orchestrator.yaml orchestrator.yaml
  "  address: 0.0.0.0  " "  address: 127.0.0.1"
  "  path: data/mx2.sqlite         #" "  path: /var/lib/mx2/mx2.sqlite #")
configuration(notifier.yaml notifier.yaml
  "  path: data/mx2.sqlite         #" "  path: /var/lib/mx2/mx2.sqlite #")
configuration(optimizer.yaml optimizer.yaml)
# This machine as a MEC host; what it runs ends with it.
configuration(mepm-local.yaml mepm.yaml
  "  id: host  " "  id: local " "  zone: \"\"   " "  zone: local"
  "end_on_stop: false" "end_on_stop: true ")

# The day of the newest entry, as trailers of Debian's changelog have it.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/CHANGELOG.md)
file(STRINGS ${CMAKE_SOURCE_DIR}/CHANGELOG.md RELEASES REGEX "^## \\[[0-9.]+\\] - [0-9-]+$")
list(GET RELEASES 0 NEWEST)
string(REGEX REPLACE "^## \\[([0-9.]+)\\] - ([0-9-]+)$" "\\1;\\2" NEWEST "${NEWEST}")
list(GET NEWEST 0 NEWEST_VERSION)
list(GET NEWEST 1 NEWEST_DAY)
if(NOT NEWEST_VERSION STREQUAL PROJECT_VERSION)
  message(FATAL_ERROR "CHANGELOG.md ends with ${NEWEST_VERSION}, the project has ${PROJECT_VERSION}")
endif()
execute_process(COMMAND date -u -R -d ${NEWEST_DAY} OUTPUT_VARIABLE DEBIAN_DATE
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
configure_file(${DEBIAN}/copyright ${DEBIAN_MADE}/copyright COPYONLY)
configure_file(${DEBIAN}/changelog.in ${DEBIAN_MADE}/changelog.Debian @ONLY)
configure_file(${CMAKE_SOURCE_DIR}/CHANGELOG.md ${DEBIAN_MADE}/changelog COPYONLY)
execute_process(COMMAND gzip -9nkf changelog changelog.Debian WORKING_DIRECTORY ${DEBIAN_MADE}
  COMMAND_ERROR_IS_FATAL ANY)

# What README leads to is beside it.
install(FILES LICENSE README.md CHANGELOG.md CONTRIBUTING.md DESIGN.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT tarball)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT tarball PATTERN generate.py EXCLUDE
  PATTERN __pycache__ EXCLUDE)
install(FILES deploy/example/faces.jpg DESTINATION ${CMAKE_INSTALL_DOCDIR}/deploy/example COMPONENT tarball)

set(CPACK_PACKAGE_NAME mx2)
set(CPACK_PACKAGE_VENDOR "The Mx2 orchestrator authors")
set(CPACK_PACKAGE_CONTACT "${MX2_MAINTAINER}")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_GENERATOR "DEB;TGZ")
set(CPACK_SYSTEM_NAME ${OS_ID}${OS_VERSION}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${DEBIAN_REVISION})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_COMPONENTS_ALL "")

# debian_package(GROUP NAME SECTION DESCRIPTION COMPONENT...): package NAME of these components, and of
# what is below deploy/debian/GROUP.
macro(debian_package group name section description)
  install(FILES ${DEBIAN_MADE}/copyright ${DEBIAN_MADE}/changelog.Debian.gz ${DEBIAN_MADE}/changelog.gz
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} COMPONENT ${group}_debian EXCLUDE_FROM_ALL)
  if(EXISTS ${DEBIAN}/${group}/lintian-overrides)
    install(FILES ${DEBIAN}/${group}/lintian-overrides COMPONENT ${group}_debian EXCLUDE_FROM_ALL
      DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME ${name})
  endif()
  string(TOUPPER ${group} GROUP)
  set(CPACK_DEBIAN_${GROUP}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${GROUP}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${GROUP}_DESCRIPTION "${description}")
  set(CPACK_DEBIAN_${GROUP}_PACKAGE_SHLIBDEPS ON)
  file(GLOB CPACK_DEBIAN_${GROUP}_PACKAGE_CONTROL_EXTRA ${DEBIAN}/${group}/p* ${DEBIAN}/${group}/triggers)
  foreach(component ${ARGN} ${group}_debian)
    list(APPEND CPACK_COMPONENTS_ALL ${component})
    string(TOUPPER ${component} COMPONENT)
    set(CPACK_COMPONENT_${COMPONENT}_GROUP ${group})
  endforeach()
endmacro()

set(ABOUT "Mx2 is an ETSI MEC orchestrator for serverless at the edge: device
applications ask it over Mx2 (ETSI GS MEC 016) on which MEC host to call a
stateless function, and are told when that changes.")
debian_package(mx2 mx2 net "MEC orchestrator for serverless at the edge
${ABOUT}
.
This package has the orchestrator, the Optimizer, the notifier, the MEC
platform manager of a MEC host, the dispatcher, their command lines mx2ctl and
mx2, and an example: mx2ctl demo load."
  programs systemd demo manual)
debian_package(client libmx2-client0 libs "client library of the Mx2 MEC orchestrator
${ABOUT}
.
This library makes a move of a function invisible to the application that
calls it."
  client)
debian_package(client_dev libmx2-client-dev libdevel "client library of the Mx2 MEC orchestrator, headers
${ABOUT}
.
This package has what C++ applications are built with: headers, and files for
CMake and pkg-config."
  client_dev)
debian_package(emulator mx2-emulator net "emulates devices and MEC hosts around the Mx2 MEC orchestrator
${ABOUT}
.
This package emulates the devices and hosts of a scenario under a strategy of
the orchestrator: in simulated time, or in real time around the real programs."
  emulator)

list(APPEND CPACK_DEBIAN_MX2_PACKAGE_CONTROL_EXTRA ${DEBIAN_MADE}/conffiles)
set(CPACK_DEBIAN_MX2_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_MX2_PACKAGE_RECOMMENDS "haproxy")  # deploy/package.sh adds what example λ load
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_CLIENT_DEV_PACKAGE_DEPENDS "libmx2-client0 (= ${DEBIAN_VERSION})")
set(CPACK_DEBIAN_EMULATOR_PACKAGE_RECOMMENDS "mx2")
include(CPack)
