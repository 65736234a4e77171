# shellcheck shell=bash
# Sourced: Debian's own kernel and what else emulated machines need, without installing it.

# fetch_debian TOP: unpacks the packages into TOP/build/emulated/files, once. Sets `files` (that
# folder), `release` (the kernel's) and `busybox`; ends the script with 77 where there is no mirror.
fetch_debian() {
    local work=$1/build/emulated kernel package
    files=$work/files
    if [ ! -e "$work/complete" ]; then
        kernel=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ {print $2}')
        rm -rf "$work"
        mkdir -p "$work/debs" "$files"
        (cd "$work/debs" && apt-get download -qq -o APT::Sandbox::User=root "$kernel" \
            busybox-static hostapd iw libnl-3-200 libnl-genl-3-200 libnl-route-3-200 ppp pppoe \
            libpcap0.8) || {
            echo "skipped: needs packages from Debian's mirror"
            exit 77
        }
        for package in "$work"/debs/*.deb; do dpkg -x "$package" "$files"; done
        touch "$work/complete"
    fi
    # shellcheck disable=SC2034
    release=$(ls "$files/lib/modules")
    # shellcheck disable=SC2034
    busybox=$files/bin/busybox
}

# take_modules ROOT PART...: kernel modules, by folder or file below kernel/, into ROOT.
take_modules() {
    local root=$1 part to
    shift
    for part in "$@"; do
        to=$root/lib/modules/$release/kernel/$(dirname "$part")
        mkdir -p "$to"
        cp -r "$files/lib/modules/$release/kernel/$part" "$to/"
    done
    cp "$files/lib/modules/$release"/modules.{builtin,order} "$root/lib/modules/$release/"
    "$busybox" depmod -b "$root" "$release"
}

# make_initrd ROOT FILE: ROOT as the first file system of a machine.
make_initrd() {
    (cd "$1" && find . | "$busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$2"
}
