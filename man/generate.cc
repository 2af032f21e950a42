// man/generate.cc - makes postconf(5) from the declarations of all programs. Writes mdoc to the standard output.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "lib/config/known_names.h"
#include "lib/text/text.h"
#include "master/tools/all_params/all_params.h"

namespace {

// What may not stand at the beginning of a line or inside a macro's arguments as it is.
std::string escape(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c == '\\')
            out += "\\e";
        else if (c == '"')
            out += "\\(dq";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    if (out.starts_with('.') || out.starts_with('\''))
        out.insert(0, "\\&");
    return out;
}

// Words for a macro's arguments: a delimiter that stands alone would be taken for punctuation.
std::string argument(std::string_view text) {
    std::string out;
    for (std::string_view word : text::split(text, " ")) {
        out += out.empty() ? "" : " ";
        out += word.size() == 1 && std::string_view("?:;.,!()[]|").find(word[0]) != std::string_view::npos ? "\\&" : "";
        out += escape(word);
    }
    return out;
}

constexpr std::size_t kWidth = 76;

// Running text: each sentence begins a line, and no line is long.
std::string sentences(std::string_view text) {
    std::string out;
    std::string line;
    auto end_line = [&] {
        if (!line.empty())
            out += escape(line) + "\n";
        line.clear();
    };
    bool sentence_ended = false;
    for (std::string_view word : text::split(text, " ")) {
        bool begins = word[0] >= 'A' && word[0] <= 'Z';
        if ((sentence_ended && begins) || line.size() + word.size() + 1 > kWidth)
            end_line();
        line += (line.empty() ? "" : " ") + std::string(word);
        sentence_ended = word.ends_with('.');
    }
    end_line();
    return out;
}

// Folders that do not have the name of their program; those without a program hold what others derive from.
const std::map<std::string_view, std::string_view> kPages = {
    {"imapd/account", ""},
    {"imapd/imap", "imapd"},
    {"imapd/lmtp/store", "lmtp-store"},
    {"imapd/managesieve", "managesieved"},
    {"imapd/sieve/delivery", "sieve-delivery"},
    {"imapd/sieve/scripts", ""},
    {"imapd/tools", "mailadm"},
};

// "smtpd" of "smtpd/params.h", "auth" of "imapd/auth/params.h".
std::string page_of(const std::string& header) {
    std::string folder = header.substr(0, header.rfind('/'));
    if (auto page = kPages.find(folder); page != kPages.end())
        return std::string(page->second);
    return folder.substr(folder.rfind('/') + 1);
}

void print_parameter(const std::string& name, const all_params::Declared& declared) {
    const config::ParamBase& parameter = *declared.parameter;
    std::string value = parameter.derive() ? "computed on this host" : parameter.default_text();
    fmt::print(".It Va {} No (default: {})\n", name, value.empty() ? "empty" : argument(value));
    fmt::print("{}", sentences(parameter.doc()));
    std::string bounds = parameter.bounds_text();
    fmt::print("A {}{}{}.\n", config::kind_name(parameter.kind()), bounds.empty() ? "" : ", ", escape(bounds));
    bool shared = std::ranges::any_of(declared.headers, [](const std::string& h) { return h.starts_with("lib/"); });
    if (shared)
        return;
    std::set<std::string> pages;
    for (const std::string& header : declared.headers)
        pages.insert(page_of(header));
    pages.erase("");
    fmt::print("Read by\n");
    for (auto page = pages.begin(); page != pages.end(); ++page)
        fmt::print(".Xr {} 8 {}\n", *page, std::next(page) == pages.end() ? "." : ",");
}

constexpr const char* kHead = R"(.\" Made from the declarations of all programs by man/generate.cc.
.Dd November 22, 2026
.Dt POSTCONF 5
.Os
.Sh NAME
.Nm postconf
.Nd parameters of main.cf
.Sh DESCRIPTION
.Pa main.cf
has one setting on each line,
.Ql name = value .
A line that begins with blank space continues the one before it.
Empty lines and lines whose first visible character is
.Ql #
are skipped, also between a line and its continuation.
The last setting of a name counts; options
.Fl o Ar name Ns = Ns Ar value
in
.Pa master.cf
are stronger.
.Pp
A value may refer to other parameters:
.Bl -tag -width Ds
.It Li $name , ${name} , $(name)
the value of that parameter.
.It Li ${name?text} , ${name?{text}}
the text, if the value is not empty.
.It Li ${name:text} , ${name:{text}}
the text, if the value is empty.
.It Li ${name?{text1}:{text2}}
one or the other.
.It Li ${{text1} == {text2} ? {text3} : {text4}}
compares, with
.Ql == ,
.Ql != ,
.Ql < ,
.Ql <= ,
.Ql >= ,
.Ql > ;
numbers as numbers, other texts as texts; with
.Ql <=level
and its kin as versions.
.It Li $$
a dollar sign.
.El
.Pp
Times are whole numbers with a unit: s, m, h, d, w.
A number without one counts in the unit of the default.
Lists are separated by commas or blank space; braces keep an element with
blanks together.
.Pp
Names are those of Postfix where they do the same.
Parameters that are nobody's are accepted if something refers to them;
others are reported by
.Xr postconf 1
and by
.Ql malleposte check ,
with the nearest name.
Every service of
.Pa master.cf
that delivers mail has parameters of its own, such as
.Va lmtp_destination_concurrency_limit ,
whose defaults are
.Va default_destination_concurrency_limit
and so on.
.Sh PARAMETERS
.Bl -tag -width Ds
)";

constexpr const char* kDovecot = R"(.El
.Sh NAMES FOR THOSE WHO KNOW DOVECOT
.Bl -column "disable_plaintext_auth" "login_connections_per_address"
.It Em Dovecot Ta Em here
.It auth_default_realm Ta Va auth_default_domain
.It auth_failure_delay Ta Va auth_failure_delay
.It auth_mechanisms Ta Va auth_mechanisms
.It auth_cache_ttl Ta Va auth_cache_ttl
.It auth_username_chars Ta Va auth_username_chars
.It disable_plaintext_auth Ta Va disable_plaintext_auth
.It login_greeting Ta Va login_greeting
.It mail_location Ta Va mail_location
.It passdb passwd\-file args Ta Va auth_passwd_file
.It default_pass_scheme Ta Va auth_default_scheme
.It ssl_cert, ssl_key Ta Va login_tls_chain_files
.It userdb default_fields uid, gid, home Ta Va auth_default_uid , auth_default_gid , auth_default_home
.El
)";

void print_names_without_effect(const all_params::Declarations& declared) {
    fmt::print(
        ".Sh NAMES WITHOUT EFFECT\n"
        "These names of Postfix are accepted in\n.Pa main.cf\nand have no effect here:\n.Bd -ragged -offset indent\n");
    std::string line;
    for (std::string_view name : config::postfix_names()) {
        if (declared.contains(name))
            continue;
        if (line.size() + name.size() > 70) {
            fmt::print("{}\n", line);
            line.clear();
        }
        line += (line.empty() ? "" : " ") + std::string(name);
    }
    fmt::print("{}\n.Ed\n", line);
}

}  // namespace

int main() {
    auto programs = all_params::make_all();
    auto declared = all_params::declarations(programs);
    fmt::print("{}", kHead);
    for (const auto& [name, entry] : declared)
        print_parameter(name, entry);
    fmt::print("{}", kDovecot);
    print_names_without_effect(declared);
    fmt::print(".Sh SEE ALSO\n.Xr malleposte 1 ,\n.Xr postconf 1 ,\n.Xr postmap 1 ,\n.Xr master 5\n");
    return 0;
}
