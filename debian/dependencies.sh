# What to install, read from debian/control: Build-Depends to build, XS-Test-Depends to test, Depends of the quickstart.
# Sourced by ./quickstart and ./run-tests; `install_missing build test` installs only what is not there.

_dependency_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The package names of a field of the first paragraph of debian/control, without versions.
packages_of() {
    awk -v field="$1:" '
        /^[^ \t]/ { on = ($1 == field); sub(/^[^:]*:/, "") }
        on { print }
    ' "$_dependency_folder/control" | tr ',' '\n' | sed -e 's/(.*//' -e 's/|.*//' -e 's/[ \t]//g' | grep -v '^$'
}

install_missing() {
    local wanted="" missing="" field package
    for field in "$@"; do
        case $field in
            build) wanted="$wanted $(packages_of Build-Depends)" ;;
            test) wanted="$wanted $(packages_of XS-Test-Depends)" ;;
            quickstart) wanted="$wanted $(packages_of XS-Quickstart-Depends)" ;;
        esac
    done
    for package in $wanted; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "These packages are missing; install them as root and try again:" >&2
        echo "    apt-get install$missing" >&2
        return 1
    fi
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || return 1
    # Services of the test peers are not to start by themselves.
    local policy=/usr/sbin/policy-rc.d made=""
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made=1
    fi
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/tmp/malleposte-apt.$$ 2>&1
    local status=$?
    [ -z "$made" ] || rm -f $policy
    [ $status = 0 ] || cat /tmp/malleposte-apt.$$ >&2
    rm -f /tmp/malleposte-apt.$$
    return $status
}
