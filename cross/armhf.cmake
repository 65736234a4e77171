# Debian armhf (ARMv7, hard float) from any Debian host; see debian-arm.cmake.
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(triplet arm-linux-gnueabihf)
set(emulator qemu-arm-static)
include(${CMAKE_CURRENT_LIST_DIR}/debian-arm.cmake)
