#include "app/bootstrap_tables.h"

namespace fluxgate::app {
namespace {

// Policies call these for each row, so they must be safe and cheap. SET search_path on a function
// costs 1.4 us a call (PostgreSQL 15, 100,000 rows); instead everything in them is qualified,
// operators are spelled as their functions, and there is nothing left that a search_path could
// change. The exception block, which makes a claim of the wrong form NULL instead of an error,
// costs 0.3 us.
constexpr NamedSql functions[] = {
    {"jwt", R"sql(CREATE OR REPLACE FUNCTION auth.jwt() RETURNS pg_catalog.jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $body$
BEGIN
    RETURN pg_catalog.current_setting('request.jwt.claims', true)::pg_catalog.jsonb;
EXCEPTION WHEN others THEN
    RETURN NULL;
END $body$;)sql"},
    {"current_user_id",
     R"sql(CREATE OR REPLACE FUNCTION auth.current_user_id() RETURNS pg_catalog.uuid
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $body$
BEGIN
    RETURN pg_catalog.jsonb_object_field_text(
        pg_catalog.current_setting('request.jwt.claims', true)::pg_catalog.jsonb,
        'sub')::pg_catalog.uuid;
EXCEPTION WHEN others THEN
    RETURN NULL;
END $body$;)sql"},
    {"uid", R"sql(CREATE OR REPLACE FUNCTION auth.uid() RETURNS pg_catalog.uuid
    LANGUAGE sql STABLE PARALLEL RESTRICTED AS $body$ SELECT auth.current_user_id() $body$;)sql"},
    {"current_user_role",
     R"sql(CREATE OR REPLACE FUNCTION auth.current_user_role() RETURNS pg_catalog.text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $body$
BEGIN
    RETURN coalesce(pg_catalog.jsonb_object_field_text(
        pg_catalog.current_setting('request.jwt.claims', true)::pg_catalog.jsonb, 'role'), 'anon');
EXCEPTION WHEN others THEN
    RETURN 'anon';
END $body$;)sql"},
    {"role", R"sql(CREATE OR REPLACE FUNCTION auth.role() RETURNS pg_catalog.text
    LANGUAGE sql STABLE PARALLEL RESTRICTED AS $body$ SELECT auth.current_user_role() $body$;)sql"},
    {"is_authenticated",
     R"sql(CREATE OR REPLACE FUNCTION auth.is_authenticated() RETURNS pg_catalog.bool
    LANGUAGE sql STABLE PARALLEL RESTRICTED AS $body$
    SELECT auth.current_user_id() IS NOT NULL $body$;)sql"},
    {"is_admin", R"sql(CREATE OR REPLACE FUNCTION auth.is_admin() RETURNS pg_catalog.bool
    LANGUAGE sql STABLE PARALLEL RESTRICTED AS $body$
    SELECT pg_catalog.texteq(auth.current_user_role(), 'admin') $body$;)sql"},
};

constexpr NamedSql tables[] = {
    {"users", R"sql(CREATE TABLE auth.users (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    email text NOT NULL UNIQUE,
    role text NOT NULL DEFAULT 'authenticated',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY users_see_themselves ON auth.users FOR SELECT TO authenticated
    USING (id = (SELECT auth.current_user_id()));
GRANT SELECT ON auth.users TO authenticated;)sql"},
    {"service_keys", R"sql(CREATE TABLE auth.service_keys (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    name text NOT NULL,
    description text,
    key_hash text NOT NULL,
    key_prefix text NOT NULL UNIQUE,
    scopes text[] DEFAULT '{*}',
    enabled boolean DEFAULT true,
    created_by uuid REFERENCES auth.users (id) ON DELETE SET NULL,
    created_at timestamptz DEFAULT now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    rate_limit_per_minute integer,
    rate_limit_per_hour integer,
    allowed_namespaces text[],
    revoked_at timestamptz,
    revoked_by uuid,
    revocation_reason text,
    deprecated_at timestamptz,
    grace_period_ends_at timestamptz,
    replaced_by uuid REFERENCES auth.service_keys (id) ON DELETE SET NULL
);
COMMENT ON TABLE auth.service_keys IS 'made by fluxgate bootstrap';
ALTER TABLE auth.service_keys ENABLE ROW LEVEL SECURITY;)sql"},
    {"service_key_revocations", R"sql(CREATE TABLE auth.service_key_revocations (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    key_id uuid REFERENCES auth.service_keys (id) ON DELETE CASCADE,
    key_prefix text,
    revoked_by uuid,
    reason text,
    revocation_type text NOT NULL CHECK (revocation_type IN ('emergency', 'rotation', 'expiration')),
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE auth.service_key_revocations ENABLE ROW LEVEL SECURITY;
CREATE INDEX ON auth.service_key_revocations (key_id);)sql"},
    {"client_keys", R"sql(CREATE TABLE auth.client_keys (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    name text NOT NULL,
    description text,
    key_hash text NOT NULL UNIQUE,
    key_prefix text NOT NULL,
    user_id uuid REFERENCES auth.users (id) ON DELETE CASCADE,
    scopes text[] DEFAULT '{}',
    rate_limit_per_minute integer DEFAULT 60,
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked boolean DEFAULT false,
    revoked_at timestamptz,
    revoked_by uuid,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    allowed_namespaces text[]
);
ALTER TABLE auth.client_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.client_keys FORCE ROW LEVEL SECURITY;
CREATE INDEX ON auth.client_keys (user_id);)sql"},
};

// The payload names a key by its id, never by its hash: every session of the database may LISTEN. A
// failure to announce a schema change must not break somebody's DDL: the timer finds it.
constexpr NamedSql notifications[] = {
    {"notify_key_change",
     R"sql(CREATE OR REPLACE FUNCTION fluxgate.notify_key_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        PERFORM pg_notify('fluxgate_keys', '*');
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM pg_notify('fluxgate_keys', OLD.id::text);
    ELSE
        PERFORM pg_notify('fluxgate_keys', NEW.id::text);
    END IF;
    RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION fluxgate.notify_key_change() FROM PUBLIC;)sql"},
    {"notify_schema_change",
     R"sql(CREATE OR REPLACE FUNCTION fluxgate.notify_schema_change() RETURNS event_trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
    IF TG_TAG = 'REFRESH MATERIALIZED VIEW' THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands())
       AND NOT EXISTS (SELECT FROM pg_event_trigger_ddl_commands()
                       WHERE schema_name IS DISTINCT FROM 'pg_temp') THEN
        RETURN;
    END IF;
    PERFORM pg_notify('fluxgate_schema', '');
EXCEPTION WHEN others THEN
    RETURN;
END $body$;
REVOKE ALL ON FUNCTION fluxgate.notify_schema_change() FROM PUBLIC;)sql"},
};

// Not for last_used_at, which changes all the time and changes nothing.
constexpr NamedSql triggers[] = {
    {"service_keys", R"sql(CREATE TRIGGER fluxgate_key_change
    AFTER INSERT OR DELETE OR UPDATE OF key_hash, key_prefix, scopes, enabled, expires_at,
        rate_limit_per_minute, rate_limit_per_hour, allowed_namespaces, revoked_at, deprecated_at,
        grace_period_ends_at, replaced_by
    ON auth.service_keys FOR EACH ROW EXECUTE FUNCTION fluxgate.notify_key_change();
CREATE TRIGGER fluxgate_key_truncate AFTER TRUNCATE
    ON auth.service_keys FOR EACH STATEMENT EXECUTE FUNCTION fluxgate.notify_key_change();)sql"},
    {"client_keys", R"sql(CREATE TRIGGER fluxgate_key_change
    AFTER INSERT OR DELETE OR UPDATE OF key_hash, user_id, scopes, rate_limit_per_minute, expires_at,
        revoked, revoked_at, allowed_namespaces
    ON auth.client_keys FOR EACH ROW EXECUTE FUNCTION fluxgate.notify_key_change();
CREATE TRIGGER fluxgate_key_truncate AFTER TRUNCATE
    ON auth.client_keys FOR EACH STATEMENT EXECUTE FUNCTION fluxgate.notify_key_change();)sql"},
    // A revocation ends a key of the other table: its own id would name nothing.
    {"service_key_revocations", R"sql(CREATE TRIGGER fluxgate_key_change
    AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE
    ON auth.service_key_revocations FOR EACH STATEMENT
    EXECUTE FUNCTION fluxgate.notify_key_change();)sql"},
};

}  // namespace

std::span<const NamedSql> auth_functions() {
    return functions;
}
std::span<const NamedSql> auth_tables() {
    return tables;
}
std::span<const NamedSql> notify_functions() {
    return notifications;
}
std::span<const NamedSql> key_triggers() {
    return triggers;
}

}  // namespace fluxgate::app
