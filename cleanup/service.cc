#include "cleanup/service.h"

#include "lib/log/log.h"
#include "lib/text/text.h"

namespace cleanup {

using namespace std::chrono_literals;

HeaderRules make_header_rules(const Params& params) {
    HeaderRules rules;
    rules.myhostname = params.myhostname();
    rules.mail_name = params.mail_name();
    rules.drop.clear();
    for (const std::string& name : params.message_drop_headers())
        rules.drop.push_back(text::lower(name));
    rules.undisclosed_recipients = params.undisclosed_recipients_header();
    rules.header_size_limit = static_cast<std::size_t>(params.header_size_limit());
    rules.hopcount_limit = params.hopcount_limit();
    rules.always_add_missing = params.always_add_missing_headers();
    return rules;
}

Service::Service(event::Loop& loop, const Params& params, queue::Spool spool, Rewriting& rewriting)
    : loop_{loop},
      params_{params},
      header_rules_{make_header_rules(params)},
      spool_{std::move(spool)},
      ids_{spool_.make_ids(params.enable_long_queue_ids() ? queue::IdForm::long_form : queue::IdForm::short_form)},
      rewriting_{rewriting},
      pool_{loop, static_cast<unsigned>(params.queue_fsync_threads())},
      qmgr_{loop, "public/qmgr"} {}

void Service::sign_with(SigningHouse& house, std::string authserv_id) {
    signer_ = house.signs() || house.seals() ? &house : nullptr;
    authserv_id_ = std::move(authserv_id);
}

bool Service::has_room() {
    const auto now = event::Clock::now();
    if (params_.queue_minfree() == 0 || now - room_checked_ < 1s)
        return room_;
    room_checked_ = now;
    const auto space = spool_.free_space();
    room_ = !space || *space >= static_cast<std::uint64_t>(params_.queue_minfree());
    if (!room_)
        logging::warning(
            "queue_minfree: the queue's file system has only {} octets left, wanted {}", *space, params_.queue_minfree());
    return room_;
}

}  // namespace cleanup
