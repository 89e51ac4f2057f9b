#include "app/key_commands.h"

#include <array>
#include <expected>
#include <sstream>

#include "app/config_value.h"
#include "app/key_format.h"
#include "app/table_output.h"
#include "pg/array_literal.h"

namespace fluxgate::app {
namespace {

using Parameter = pg::AdminConnection::Parameter;
using Done = std::expected<void, std::string>;
using Rows = std::expected<pg::Result, std::string>;

enum class KeyKind { service, client };

// Times in lists, and how far a key is from being good.
constexpr std::string_view service_columns =
    "k.id, k.name, k.key_prefix AS prefix, array_to_string(k.scopes, ',') AS scopes, "
    "date_trunc('second', k.created_at) AS created, date_trunc('second', k.last_used_at) AS "
    "last_used, "
    "date_trunc('second', k.expires_at) AS expires, "
    "CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN NOT coalesce(k.enabled, true) THEN "
    "'disabled' "
    "WHEN k.expires_at < now() THEN 'expired' ELSE 'good' END AS state";
constexpr std::string_view client_columns =
    "k.id, k.name, k.key_prefix AS prefix, k.user_id AS user, "
    "array_to_string(k.scopes, ',') AS scopes, date_trunc('second', k.created_at) AS created, "
    "date_trunc('second', k.last_used_at) AS last_used, date_trunc('second', k.expires_at) AS "
    "expires, "
    "CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at < now() THEN 'expired' "
    "ELSE 'good' END AS state";

class KeyCommand {
public:
    KeyCommand(const Invocation& invocation, pg::AdminConnection& connection,
               loop::Entropy& entropy, const Terminal& terminal)
        : invocation_(invocation),
          connection_(connection),
          entropy_(entropy),
          terminal_(terminal) {}

    Done run() {
        if (const Done begun = begin(); !begun) return begun;
        if (const Done done = run_command(); !done) return done;  // and the transaction ends undone
        if (const Done done = execute("COMMIT"); !done) return done;
        // Not before: a key that was shown exists.
        terminal_.out << out_.str();
        terminal_.err << err_.str();
        return {};
    }

private:
    // client_keys has row security even for its owner; service_role is exempt and has the rights.
    Done begin() {
        if (const Done begun =
                execute("BEGIN; SET LOCAL search_path = pg_catalog; SET LOCAL TIME ZONE 'UTC'");
            !begun)
            return begun;
        const Rows tables = query(
            "SELECT to_regclass('auth.service_keys') IS NOT NULL AND "
            "to_regclass('auth.client_keys') IS NOT NULL, "
            "to_regrole('service_role') IS NOT NULL "
            "AND pg_has_role(to_regrole('service_role'), 'MEMBER')",
            {});
        if (!tables) return std::unexpected(tables.error());
        if (tables->value(0, 0) != "t")
            return std::unexpected("database " + connection_.database() +
                                   " has no key tables; run fluxgate bootstrap first");
        if (tables->value(0, 1) != "t") return {};
        return execute("SET LOCAL ROLE service_role");
    }

    Done run_command() {
        switch (invocation_.command->id) {
            case CommandId::service_keys_create:
                return create_service_key();
            case CommandId::client_keys_create:
                return create_client_key();
            case CommandId::service_keys_list:
                return list(KeyKind::service);
            case CommandId::client_keys_list:
                return list(KeyKind::client);
            case CommandId::service_keys_revoke:
                return revoke(KeyKind::service);
            case CommandId::client_keys_revoke:
                return revoke(KeyKind::client);
            default:
                return std::unexpected("not a key command");
        }
    }

    Done execute(std::string_view sql) {
        if (const auto done = connection_.run(sql); !done)
            return std::unexpected(text_of(done.error()));
        return {};
    }

    Rows query(std::string_view sql, std::span<const Parameter> parameters) {
        auto rows = connection_.query(sql, parameters);
        if (!rows) return std::unexpected(text_of(rows.error()));
        return std::move(*rows);
    }

    static std::string text_of(const pg::AdminError& error) {
        return error.sqlstate.empty() ? error.message : error.message + " [" + error.sqlstate + "]";
    }

    // The two parameters of `coalesce($n::timestamptz, now() + $m::interval)`.
    struct ExpiryParameters {
        Parameter time, duration;
    };
    [[nodiscard]] ExpiryParameters expiry() const {
        const auto given = invocation_.get("--expires");
        if (!given) return {};
        const auto parsed = parse_expiry(*given);
        if (!parsed) return {};  // check_key_options() has refused it
        return parsed->is_duration ? ExpiryParameters{std::nullopt, parsed->text}
                                   : ExpiryParameters{parsed->text, std::nullopt};
    }

    Done check_expiry(const ExpiryParameters& expiry) {
        if (!expiry.time) return {};
        const std::array parameters{expiry.time};
        const Rows is_ahead = query("SELECT $1::timestamptz > now()", parameters);
        if (!is_ahead) return std::unexpected("--expires: " + is_ahead.error());
        if (is_ahead->value(0, 0) != "t")
            return std::unexpected("--expires: " + *expiry.time + " is over already");
        return {};
    }

    [[nodiscard]] std::string scopes_or(std::string_view otherwise) const {
        const auto scopes =
            parse_scopes(invocation_.get("--scopes").value_or(std::string(otherwise)));
        return scopes ? pg::array_literal(*scopes) : "{}";  // wrong ones were refused before
    }

    Done create_service_key() {
        const ExpiryParameters when = expiry();
        if (const Done ahead = check_expiry(when); !ahead) return ahead;
        const NewKey key = make_service_key(entropy_);
        const std::array<Parameter, 7> parameters{invocation_.get("--name"),
                                                  invocation_.get("--description"),
                                                  key.hash,
                                                  key.prefix,
                                                  scopes_or("*"),
                                                  when.time,
                                                  when.duration};
        const Rows row = query(
            "INSERT INTO auth.service_keys (name, description, key_hash, key_prefix, scopes, "
            "enabled, "
            "expires_at) VALUES ($1, $2, $3, $4, $5::text[], true, "
            "coalesce($6::timestamptz, now() + $7::interval)) RETURNING id, expires_at",
            parameters);
        if (!row) return std::unexpected(row.error());
        show_new_key(key, *row);
        return {};
    }

    Done create_client_key() {
        const ExpiryParameters when = expiry();
        if (const Done ahead = check_expiry(when); !ahead) return ahead;
        const auto user = find_user();
        if (!user) return std::unexpected(user.error());
        const NewKey key = make_client_key(entropy_);
        const std::array<Parameter, 7> parameters{invocation_.get("--name"),
                                                  key.hash,
                                                  key.prefix,
                                                  *user,
                                                  scopes_or(""),
                                                  when.time,
                                                  when.duration};
        const Rows row = query(
            "INSERT INTO auth.client_keys (name, key_hash, key_prefix, user_id, scopes, "
            "expires_at) "
            "VALUES ($1, $2, $3, $4::uuid, $5::text[], coalesce($6::timestamptz, now() + "
            "$7::interval)) "
            "RETURNING id, expires_at",
            parameters);
        if (!row) return std::unexpected(row.error());
        show_new_key(key, *row);
        return {};
    }

    void show_new_key(const NewKey& key, const pg::Result& row) {
        out_ << key.text.reveal() << "\n";
        err_ << "id " << row.value(0, 0).value_or("") << ", expires "
             << row.value(0, 1).value_or("never")
             << ". The key is shown this once; only its hash is kept.\n";
    }

    // Nothing: a key that belongs to nobody.
    std::expected<Parameter, std::string> find_user() {
        const auto given = invocation_.get("--user");
        if (!given) return Parameter();
        const std::array<Parameter, 1> parameters{given};
        const Rows rows =
            query(is_uuid(*given) ? "SELECT id FROM auth.users WHERE id = $1::uuid"
                                  : "SELECT id FROM auth.users WHERE lower(email) = lower($1)",
                  parameters);
        if (!rows) return std::unexpected(rows.error());
        if (rows->rows() == 0)
            return std::unexpected("--user: there is no user " + in_quotes(*given) +
                                   " in auth.users");
        if (rows->rows() > 1)
            return std::unexpected("--user: several users have the email " + in_quotes(*given) +
                                   "; give the id");
        return Parameter(std::string(*rows->value(0, 0)));
    }

    Done list(KeyKind kind) {
        const std::string select =
            kind == KeyKind::service
                ? "SELECT " + std::string(service_columns) + " FROM auth.service_keys k "
                : "SELECT " + std::string(client_columns) + " FROM auth.client_keys k ";
        const std::string ordered = select + "ORDER BY k.created_at, k.id";
        if (invocation_.has("--json")) {
            const Rows json =
                query("SELECT coalesce(json_agg(r), '[]') FROM (" + ordered + ") r", {});
            if (!json) return std::unexpected(json.error());
            out_ << json->value(0, 0).value_or("[]") << "\n";
            return {};
        }
        const Rows rows = query(ordered, {});
        if (!rows) return std::unexpected(rows.error());
        print_table(*rows, out_);
        return {};
    }

    // The id of the one key that the argument names.
    std::expected<std::string, std::string> find_key_id(KeyKind kind) {
        const std::string& given = invocation_.positional;
        const std::string table =
            kind == KeyKind::service ? "auth.service_keys" : "auth.client_keys";
        const std::array<Parameter, 1> parameters{given};
        const Rows rows = query("SELECT id, name FROM " + table + " WHERE " +
                                    (is_uuid(given) ? "id = $1::uuid" : "key_prefix = $1") +
                                    " ORDER BY created_at FOR UPDATE",
                                parameters);
        if (!rows) return std::unexpected(rows.error());
        if (rows->rows() == 0)
            return std::unexpected("there is no key with the id or prefix " + in_quotes(given));
        if (rows->rows() == 1) return std::string(*rows->value(0, 0));
        std::string ids;
        for (int row = 0; row < rows->rows(); ++row)
            ids += "\n  " + std::string(*rows->value(row, 0)) + "  " +
                   std::string(rows->value(row, 1).value_or(""));
        return std::unexpected("several keys have the prefix " + in_quotes(given) +
                               "; give the id:" + ids);
    }

    Done revoke(KeyKind kind) {
        const auto id = find_key_id(kind);
        if (!id) return std::unexpected(id.error());
        const std::array<Parameter, 2> parameters{
            *id, invocation_.get("--reason").value_or("revoked with fluxgate")};
        const Rows changed =
            kind == KeyKind::service
                ? query(
                      "WITH gone AS (UPDATE auth.service_keys SET revoked_at = now(), enabled = "
                      "false, "
                      "revocation_reason = $2 WHERE id = $1::uuid AND revoked_at IS NULL "
                      "RETURNING id, key_prefix) "
                      "INSERT INTO auth.service_key_revocations (key_id, key_prefix, reason, "
                      "revocation_type) SELECT id, key_prefix, $2, 'emergency' FROM gone RETURNING "
                      "key_id",
                      parameters)
                : query(
                      "UPDATE auth.client_keys SET revoked_at = now() WHERE id = $1::uuid "
                      "AND revoked_at IS NULL RETURNING id",
                      std::span(parameters).first(1));
        if (!changed) return std::unexpected(changed.error());
        out_ << (changed->rows() == 1 ? "revoked " : "was revoked already: ") << *id << "\n";
        return {};
    }

    const Invocation& invocation_;
    pg::AdminConnection& connection_;
    loop::Entropy& entropy_;
    const Terminal& terminal_;
    std::ostringstream out_, err_;  // what to say when it is done
};

}  // namespace

std::string check_key_options(const Invocation& invocation) {
    if (const auto scopes = invocation.get("--scopes"))
        if (const auto parsed = parse_scopes(*scopes); !parsed)
            return "--scopes: " + parsed.error();
    if (const auto expires = invocation.get("--expires"))
        if (const auto parsed = parse_expiry(*expires); !parsed)
            return "--expires: " + parsed.error();
    for (const std::string_view option : {"--name", "--description", "--reason"}) {
        static constexpr size_t text_bytes_max = 1000;
        const auto text = invocation.get(option);
        if (text && text->size() > text_bytes_max)
            return std::string(option) + ": at most " + std::to_string(text_bytes_max) + " bytes";
    }
    // The whole key on a command line ends up in histories and process lists; the prefix is enough.
    const std::string& key = invocation.positional;
    if (key.starts_with("sk_") && key.size() > service_key_prefix_bytes)
        return "give the id, or the prefix alone: " + key.substr(0, service_key_prefix_bytes);
    if (key.starts_with("fbk_") && key.size() > client_key_prefix_bytes)
        return "give the id, or the prefix alone: " + key.substr(0, client_key_prefix_bytes);
    return {};
}

int run_key_command(const Invocation& invocation, pg::AdminConnection& connection,
                    loop::Entropy& entropy, const Terminal& terminal) {
    const Done done = KeyCommand(invocation, connection, entropy, terminal).run();
    if (done) return exit_success;
    terminal.err << "fluxgate: " << done.error() << "\n";
    return exit_failure;
}

}  // namespace fluxgate::app
