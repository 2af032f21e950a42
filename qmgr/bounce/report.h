// qmgr/bounce/report.h - the text of a report: mail that was not delivered, or not yet, or was and somebody wants to know.
//
// Standards   RFC 3464 (message/delivery-status), RFC 6522 (multipart/report), RFC 3834 (Auto-Submitted),
//             RFC 3461, 6.2 (what is returned), RFC 6533 (addresses in UTF-8)
// Failure     none.
// Trust       addresses, reasons and remote replies come from strangers: lengths are cut here, the rest is the writer's
//             promise (lib/message/writer.h). The boundary is random: a message cannot contain it on purpose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/records/bounce.h"

namespace bounce {

struct Site {
    std::string myhostname;
    std::string mail_name;
    std::string myorigin;
};

enum class Audience { sender, postmaster };

struct Report {
    std::string head;  // header, explanation and delivery status, up to where the message is returned
    std::string tail;  // the end of the multipart
    std::string boundary;
};

// What of the original is returned: all of it, or its header.
enum class Returned { message, header };

Report compose(const ipc::records::BounceRequest& request, const Site& site, const std::string& recipient, Audience audience,
    Returned returned, std::string_view random);

// The recipients of a request that want a report of its kind. RFC 3461, 4.1
std::vector<ipc::records::BounceRecipient> who_wants_report(const ipc::records::BounceRequest& request);

// Text of a stranger for one line: no control characters, at most `most` octets, whole UTF-8 characters.
std::string one_line(std::string_view text, std::size_t most = 1000);

}  // namespace bounce
