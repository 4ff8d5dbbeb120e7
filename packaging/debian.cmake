# The Debian package: what `cmake --install` installs of the component `runtime`, and what only
# the package contains, the component `debian` at absolute places.
set(debian "${CMAKE_CURRENT_SOURCE_DIR}/debian")

gzip("${debian}/changelog" changelog.gz)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/changelog.gz" "${debian}/copyright"
  DESTINATION /usr/share/doc/reeve COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES supervisor/reeve-listener.conf supervisor/reeve-relay.conf
  DESTINATION /usr/share/doc/reeve/examples COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES config.yaml DESTINATION /etc/reeve COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES systemd/reeve.service DESTINATION /usr/lib/systemd/system
  COMPONENT debian EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL runtime debian)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME reeve)
set(CPACK_PACKAGE_CONTACT "The Reeve authors <reeve@packages.invalid>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_NAME reeve)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "supervisor, prometheus, prometheus-alertmanager")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Watches the processes of one or many supervisords, tells Prometheus about
them, and starts, stops and restarts them when a person asks and the
configuration lets them.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${debian}/postinst" "${debian}/prerm" "${debian}/postrm" "${debian}/conffiles")
include(CPack)
