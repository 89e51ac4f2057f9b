// LISTEN and NOTIFY on a real PostgreSQL.
#include "pg/notifications.h"

#include "tests/pg/pool_fixture.h"

namespace fluxgate::pg::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class NotificationsTest : public PoolTest, public Notifications::Sink {
protected:
    void notified(std::string_view channel) override { channels.emplace_back(channel); }
    void everything_may_have_changed() override { ++resets; }
    std::vector<std::string> channels;
    int resets = 0;
};

TEST_F(NotificationsTest, EachChannelReachesTheSink) {
    Notifications notifications(loop.get(), &blocking, options_for(cluster), this);
    loop::Scope scope(loop.get());
    scope.spawn("listen", notifications.run(&scope));
    run_until(*loop, [&] { return resets == 1; });
    EXPECT_TRUE(notifications.is_listening());
    cluster.execute(
        "NOTIFY fluxgate_schema; NOTIFY fluxgate_keys; NOTIFY fluxbase__schema_cache;"
        "NOTIFY somebody_elses");
    run_until(*loop, [&] { return channels.size() == 3; });
    EXPECT_EQ(channels[0], schema_channel);
    EXPECT_EQ(channels[1], keys_channel);
    EXPECT_EQ(channels[2], fluxbase_schema_channel);
    scope.cancel();
    run_until(*loop, [&] { return scope.empty(); });
}

TEST_F(NotificationsTest, AReconnectSaysThatEverythingMayHaveChanged) {
    Notifications notifications(loop.get(), &blocking, options_for(cluster), this);
    loop::Scope scope(loop.get());
    scope.spawn("listen", notifications.run(&scope));
    run_until(*loop, [&] { return resets == 1; });
    cluster.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'fg_auth'");
    run_until(*loop, [&] { return resets == 2; });
    cluster.stop_immediately();
    run_until(*loop, [&] { return !notifications.is_listening(); });
    cluster.start();
    run_until(*loop, [&] { return resets == 3; });
    cluster.execute("NOTIFY fluxgate_keys");
    run_until(*loop, [&] { return channels.size() == 1; });
    scope.cancel();
    run_until(*loop, [&] { return scope.empty(); });
}

TEST_F(NotificationsTest, BehindAPoolerNobodyListens) {
    Options options = options_for(cluster);
    options.pooler = true;
    Notifications notifications(loop.get(), &blocking, options, this);
    loop::Scope scope(loop.get());
    scope.spawn("listen", notifications.run(&scope));
    EXPECT_TRUE(scope.empty());
}

}  // namespace
}  // namespace fluxgate::pg::test
