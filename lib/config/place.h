// lib/config/place.h - what depends on this host and on where the suite is installed.
//
// The programs find each other relative to the running one, so any prefix works and a build tree works like an
// installed one: PREFIX/sbin, PREFIX/bin, PREFIX/libexec/malleposte.
#pragma once

#include <string>
#include <vector>

#include "lib/config/main_cf.h"

namespace config {

// PREFIX of the running program, "/usr" when it stands in none of the usual folders.
std::string install_prefix();

// -c DIRECTORY is stronger than $MAIL_CONFIG; that is stronger than /etc/malleposte (PREFIX/etc/malleposte where
// PREFIX is not /usr).
std::string default_directory();
// A configuration directory as the user wrote it, made to mean the same after a change of the working directory.
std::string absolute_directory(const std::string& directory);

// gethostname(), completed with $mydomain or ".localdomain" when it has no dot.
std::string derive_myhostname(const MainCf& cf);
// $myhostname without its first label.
std::string derive_mydomain(const MainCf& cf);
// The networks that mynetworks_style names, for the interfaces of this host.
std::string derive_mynetworks(const MainCf& cf);

// PREFIX/libexec/malleposte and PREFIX/sbin.
std::string derive_daemon_directory(const MainCf& cf);
std::string derive_command_directory(const MainCf& cf);

// The addresses of this host's interfaces that inet_interfaces and inet_protocols select, as text.
std::vector<std::string> own_addresses(const MainCf& cf);

}  // namespace config
