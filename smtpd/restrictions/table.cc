#include "smtpd/restrictions/table.h"

namespace smtpd {
namespace {

constexpr Argument kNone = Argument::none;
constexpr Argument kTable = Argument::access_table;
constexpr Argument kList = Argument::dns_list;
constexpr bool kDns = true;

// postconf(5) at smtpd_recipient_restrictions. Behind the name: the function, the argument, whether it asks the DNS, and
// whom the argument is asked about.
constexpr Row kRows[] = {
    {"permit", always_permit},
    {"reject", always_reject},
    {"defer", always_defer},
    {"permit_mynetworks", in_mynetworks},
    {"permit_inet_interfaces", is_own_interface},
    {"permit_sasl_authenticated", is_authenticated},
    {"permit_auth_destination", permit_destination},
    {"reject_unauth_destination", reject_destination},
    {"check_relay_domains", reject_destination},
    {"defer_unauth_destination", defer_destination},
    {"reject_non_fqdn_helo_hostname", non_fqdn_helo},
    {"reject_non_fqdn_hostname", non_fqdn_helo},
    {"reject_invalid_helo_hostname", invalid_helo},
    {"reject_invalid_hostname", invalid_helo},
    {"reject_non_fqdn_sender", non_fqdn_sender},
    {"reject_non_fqdn_recipient", non_fqdn_recipient},
    {"reject_unknown_client_hostname", unknown_client},
    {"reject_unknown_client", unknown_client},
    {"reject_unauth_pipelining", early_pipelining},
    {"reject_multi_recipient_bounce", several_bounce_recipients},
    {"reject_plaintext_session", plaintext_session},
    {"reject_unlisted_recipient", unlisted_recipient},
    {"reject_unlisted_sender", unlisted_sender},

    {"check_client_access", access_table, kTable, !kDns, About::client},
    {"check_helo_access", access_table, kTable, !kDns, About::helo},
    {"check_sender_access", access_table, kTable, !kDns, About::sender},
    {"check_recipient_access", access_table, kTable, !kDns, About::recipient},
    {"check_sasl_access", access_table, kTable, !kDns, About::login},

    {"reject_unknown_sender_domain", unknown_sender_domain, kNone, kDns},
    {"reject_unknown_recipient_domain", unknown_recipient_domain, kNone, kDns},
    {"reject_unknown_helo_hostname", unknown_helo, kNone, kDns},
    {"reject_unknown_hostname", unknown_helo, kNone, kDns},
    {"reject_unknown_reverse_client_hostname", unknown_reverse_client, kNone, kDns},
    {"reject_rbl_client", reject_listed, kList, kDns, About::client},
    {"reject_rbl", reject_listed, kList, kDns, About::client},
    {"reject_rhsbl_client", reject_listed, kList, kDns, About::client_name},
    {"reject_rhsbl_helo", reject_listed, kList, kDns, About::helo},
    {"reject_rhsbl_sender", reject_listed, kList, kDns, About::sender},
    {"reject_rhsbl_recipient", reject_listed, kList, kDns, About::recipient},
    {"permit_dnswl_client", permit_listed, kList, kDns, About::client},
    {"permit_rhswl_client", permit_listed, kList, kDns, About::client_name},

    // They need a probe, certificates of clients, or a service that is not there.
    {"reject_unverified_recipient", nullptr},
    {"reject_unverified_sender", nullptr},
    {"reject_maps_rbl", nullptr},
    {"permit_mx_backup", nullptr},
    {"permit_tls_clientcerts", nullptr},
    {"permit_tls_all_clientcerts", nullptr},
    {"reject_sender_login_mismatch", nullptr},
    {"reject_authenticated_sender_login_mismatch", nullptr},
    {"reject_unauthenticated_sender_login_mismatch", nullptr},
    {"reject_known_sender_login_mismatch", nullptr},
    {"check_policy_service", nullptr, Argument::passed_over},
    {"reject_rhsbl_reverse_client", nullptr, Argument::passed_over},
    {"check_ccert_access", nullptr, Argument::passed_over},
    {"check_etrn_access", nullptr, Argument::passed_over},
    {"check_client_a_access", nullptr, Argument::passed_over},
    {"check_client_mx_access", nullptr, Argument::passed_over},
    {"check_client_ns_access", nullptr, Argument::passed_over},
    {"check_reverse_client_hostname_a_access", nullptr, Argument::passed_over},
    {"check_reverse_client_hostname_mx_access", nullptr, Argument::passed_over},
    {"check_reverse_client_hostname_ns_access", nullptr, Argument::passed_over},
    {"check_helo_a_access", nullptr, Argument::passed_over},
    {"check_helo_mx_access", nullptr, Argument::passed_over},
    {"check_helo_ns_access", nullptr, Argument::passed_over},
    {"check_sender_a_access", nullptr, Argument::passed_over},
    {"check_sender_mx_access", nullptr, Argument::passed_over},
    {"check_sender_ns_access", nullptr, Argument::passed_over},
    {"check_recipient_a_access", nullptr, Argument::passed_over},
    {"check_recipient_mx_access", nullptr, Argument::passed_over},
    {"check_recipient_ns_access", nullptr, Argument::passed_over},
};

}  // namespace

const Row* find_row(std::string_view name) {
    for (const Row& row : kRows)
        if (row.name == name)
            return &row;
    return nullptr;
}

}  // namespace smtpd
