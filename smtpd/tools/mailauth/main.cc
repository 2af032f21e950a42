// NAME
//     mailauth - verify, sign and check the authentication of mail
// SYNOPSIS
//     mailauth [-c config_dir] subcommand [options] [arguments]
// DESCRIPTION
//     What smtpd, cleanup and the signer do with SPF, DKIM, DMARC and ARC, for one message and from the command line:
//     verdicts, signatures, keys, and what the DNS says about a domain. Each subcommand is a file of this folder.
//     Results go to the standard output, one method=result a line first.
// SECURITY
//     Reads messages and DNS answers of strangers with the rights of who runs it.
#include <string>
#include <vector>

#include "lib/command/command.h"
#include "smtpd/tools/mailauth/subcommand.h"

int main(int argc, char** argv) {
    command::begin(argc, argv, mailauth::usage(nullptr), command::Asked::last_word_too);
    std::vector<std::string> words(argv + 1, argv + argc);
    return mailauth::run(words);
}
