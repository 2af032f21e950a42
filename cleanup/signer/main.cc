// NAME
//     signer - DKIM signatures and ARC seals for cleanup
// SYNOPSIS
//     signer [generic master options]
// DESCRIPTION
//     Holds the private keys that dkim_sign_table and arc_seal_key name and signs the hashes that cleanup(8) sends.
// SECURITY
//     The only process with private keys. It reads them as root before it becomes secrets_owner, then sees nothing but
//     hashes from cleanup: no message, no network. In its jail it opens no file; a changed table or key is read by the next
//     process.
// STANDARDS
//     RFC 6376, RFC 8463
#include "cleanup/signer/key_ring.h"
#include "cleanup/signer/requests.h"
#include "lib/config/common_params.h"
#include "lib/dict/table_list.h"
#include "lib/dkim/sign_params.h"
#include "lib/dkim/sign_table.h"
#include "lib/log/log.h"
#include "lib/worker/program.h"

int main(int argc, char** argv) {
    config::HostParams host;
    worker::Program program(argc, argv, "signer", host);
    dkim::SignParams params;
    for (const config::Problem& problem : params.load(program.main_cf()))
        logging::warning("{}", config::format_problem(problem));

    std::vector<std::string> problems;
    std::set<std::string> files = signer::find_key_files(params.sign_table(), problems);
    files.insert(params.extra_key_files().begin(), params.extra_key_files().end());
    if (!params.seal_key().empty()) {
        const auto seal = dkim::parse_seal_key(params.seal_key());
        if (seal)
            files.insert(seal->file);
        else
            problems.push_back("arc_seal_key: " + seal.error());
    }
    signer::KeyRing keys;
    for (const std::string& file : files)
        keys.load(file);
    for (const auto& [file, key] : keys.all())
        if (!key)
            problems.push_back(key.error());
    for (const std::string& problem : problems)
        logging::warning("{}", problem);
    dkim::Sha256::of("");  // what OpenSSL loads at first use, it loads now
    const dict::TableList tables = dict::TableList::open("dkim_sign_table", params.sign_table());

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
    const std::function<bool()> outdated = [&] { return tables.stale(); };
    jail.leave_when(outdated);
    event::ThreadPool pool{jail.loop(), static_cast<unsigned>(params.signer_threads())};
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return signer::serve_client(std::move(client), seat, keys, pool, outdated);
    });
}
