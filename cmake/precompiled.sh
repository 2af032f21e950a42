# Sourced by ./quickstart and ./run-tests: builds the precompiled header of a configured build folder, before the rest.
#
# g++ loads a precompiled header at the address where it was made, and now and then refuses one that ccache kept from another
# clone ("PCH allocation failure"). Then every file would fail; so one file is tried, and the header made anew if it must be.

build_precompiled() {
    local folder=$1
    ninja -C "$folder" precompiled >/dev/null 2>&1 && return 0
    rm -f "$folder"/CMakeFiles/precompiled.dir/*.gch
    CCACHE_RECACHE=1 ninja -C "$folder" precompiled
}
