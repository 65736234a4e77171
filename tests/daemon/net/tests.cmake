# The server on loopback speaks TLS.
if(TARGET test_net)
    target_sources(test_net PRIVATE ${CMAKE_CURRENT_LIST_DIR}/loopback_server.cpp)
    target_link_libraries(test_net PRIVATE OpenSSL::SSL)
endif()
