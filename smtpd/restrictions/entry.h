// smtpd/restrictions/entry.h - one entry of a restriction list; inside restrictions/ only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/dns/resolver.h"
#include "lib/question/pending.h"
#include "smtpd/restrictions/reply_filter.h"
#include "smtpd/restrictions/restriction.h"
#include "smtpd/restrictions/table.h"

namespace smtpd {

// What an entry decides by.
struct Context {
    const Inquiry& inquiry;
    const Facts& facts;
    const Services& services;
    const Restrictions& restrictions;
    Stage stage;
    std::vector<Verdict>& notes;
    int depth = 0;  // of lists that an access table names

    const question::Asker& asker() const { return inquiry.asker; }
};

struct Restrictions::Entry {
    std::string name;              // as the list has it: "reject_rbl_client list.example.test"
    const Row* row = nullptr;      // nullptr: a class, or what cannot be evaluated
    bool warn_only = false;        // warn_if_reject in front of it
    const List* nested = nullptr;  // a restriction class

    // The argument, by its kind.
    std::unique_ptr<dict::TableList> table;
    std::string list;  // domain of a DNS list
    ReplyFilter filter;

    std::string wrong;        // why it cannot be evaluated: mail is deferred
    bool is_unknown = false;  // there is no such restriction
};

// Goes through a list until an entry decides.
event::Task<Verdict> evaluate_list(const Restrictions::List& list, Context context);

// Verdicts.
Verdict dunno();
Verdict permit();
Verdict reject(const Context& context, int code, std::string dsn, std::string text);
Verdict trouble(const std::string& why);

}  // namespace smtpd
