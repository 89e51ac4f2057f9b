-- The table that every contender reads ten rows of. Owner: alice, of scripts/demo.sql.
CREATE TABLE IF NOT EXISTS public.notes (
    id         bigint PRIMARY KEY,
    owner      uuid NOT NULL,
    title      text NOT NULL,
    n          int NOT NULL,
    created_at timestamptz NOT NULL
);
INSERT INTO public.notes
SELECT i, CASE WHEN i % 2 = 0 THEN 'a11ce000-0000-4000-8000-000000000001'::uuid
               ELSE 'b0b00000-0000-4000-8000-000000000002'::uuid END,
       'Note number ' || i, i % 100, timestamptz '2026-01-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 10000) AS i
ON CONFLICT DO NOTHING;
CREATE INDEX IF NOT EXISTS notes_by_owner ON public.notes (owner, id);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own ON public.notes;
CREATE POLICY own ON public.notes USING (owner = (SELECT auth.uid()));
GRANT SELECT ON public.notes TO authenticated, service_role;
VACUUM ANALYZE public.notes;
