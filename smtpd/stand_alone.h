// smtpd/stand_alone.h - one SMTP dialogue on the standard input and output, for `sendmail -bs`.
//
// Runs with the rights of whoever called sendmail: nothing of the mail system needs to be up. A message is handed to
// sendmail(1), which drops it into the queue's maildrop; 250 means that it is there.
#pragma once

#include <string>

namespace smtpd {

// The exit status for main().
int run_stand_alone(const std::string& config_directory);

}  // namespace smtpd
