#include "pg/schema_cache.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <utility>
#include <vector>

#include "loop/blocking.h"
#include "loop/failure_count.h"
#include "loop/intrusive_list.h"
#include "loop/log.h"
#include "loop/mailbox.h"
#include "pg/catalog_loader.h"
#include "pg/event.h"

namespace fluxgate::pg {
namespace {

constexpr loop::Duration refresh_wait_max = std::chrono::seconds(5);
constexpr int load_share = 4;  // a load that took t begins again after 4 t at the earliest

// A message that carries a function to another loop and frees itself there.
template <class Function>
class Parcel final : public loop::Message {
public:
    static void send(loop::Loop* loop, Function function) {
        loop::send_to(*loop, *new Parcel(std::move(function)));
    }

private:
    explicit Parcel(Function function)
        : Message([](loop::Message& message) {
              std::unique_ptr<Parcel> self(static_cast<Parcel*>(&message));
              self->function_();
          }),
          function_(std::move(function)) {}
    Function function_;
};

template <class Function>
void send(loop::Loop* loop, Function function) {
    Parcel<Function>::send(loop, std::move(function));
}

// The part of a view that messages may reach after the view has gone. Used on the view's loop
// alone.
struct ViewState {
    struct WaiterTag;
    struct Waiter : loop::ListNode<WaiterTag> {
        explicit Waiter(loop::Loop* loop) : asked_at(loop->clock_now()), event(loop) {}
        void cancel() { event.notify(); }
        loop::Instant asked_at;
        Event event;
        loop::Bound<loop::CancelHook, &Waiter::cancel> hook{this};
    };
    explicit ViewState(loop::Loop* view_loop) : loop(view_loop) {}

    // A load that began at `started_at` has ended; null: it failed, and what there was goes on to
    // be valid. Who asked later waits for the next load: this one may have read before the news.
    void load_ended(CatalogPtr catalog, loop::Instant started_at) {
        const bool failed = catalog == nullptr;
        if (!failed && (current == nullptr || catalog->version() > current->version()))
            current = std::move(catalog);
        waiters.for_each([&](Waiter& waiter) {
            if (!failed && waiter.asked_at > started_at) return;
            waiter.unlink();
            waiter.event.notify();
        });
    }

    loop::Loop* loop;
    CatalogPtr current;
    loop::IntrusiveList<Waiter, WaiterTag> waiters;
};

// Travels with a new catalog to every view, and is told when the last one has it.
struct News {
    void arrived() {
        if (left.fetch_sub(1) == 1 && before != nullptr && tell) tell(*before, *now, changed);
    }
    decltype(SchemaCacheOptions::loaded) tell;
    CatalogPtr before;  // null: it is the first
    CatalogPtr now;
    std::vector<TableName> changed;
    std::atomic<size_t> left;  // views, and who sends it to them
};

}  // namespace

// The loading side. Used on its loop alone; messages hold on to it.
struct SharedCatalog::Core : std::enable_shared_from_this<SharedCatalog::Core> {
    Core(loop::Loop* loading_loop, Pool* loading_pool, const SchemaCacheOptions& cache_options)
        : loop(loading_loop),
          pool(loading_pool),
          options(cache_options),
          scope(loading_loop),
          event(loading_loop) {}

    loop::Task<void> run();
    void add_view(std::shared_ptr<ViewState> view);
    void log_failure(const Error& error);
    void request();
    void publish(const CatalogPtr& before, const CatalogPtr& catalog,
                 std::vector<TableName> changed, loop::Instant started_at);

    loop::Loop* loop;
    Pool* pool;
    SchemaCacheOptions options;
    loop::Scope scope;
    Event event;
    bool closing = false;
    bool is_wanted = false;  // somebody has asked since the last load began
    uint64_t loads = 0;
    loop::FailureCount failures;  // since a load succeeded
    CatalogPtr current;
    std::vector<std::weak_ptr<ViewState>> views;
};

loop::Task<void> SharedCatalog::Core::run() {
    while (!closing) {
        is_wanted = false;
        const loop::Instant started = loop->clock_now();
        auto loaded = co_await load_catalog(&scope, pool, loads + 1);
        if (closing) break;
        const CatalogPtr before = current;
        if (loaded) {
            ++loads;
            failures.reset();
            current = *loaded;
        } else {
            log_failure(loaded.error());
        }
        std::vector<TableName> changed;
        if (loaded && before != nullptr && options.loaded)
            changed = co_await changed_tables(loop, before.get(), current.get());
        if (closing) break;
        publish(before, loaded ? current : nullptr, std::move(changed), started);
        // A large catalogue is not read most of the time.
        const loop::Duration took = loop->clock_now() - started;
        const loop::Duration gap = std::max(options.refresh_gap_min, load_share * took);
        // Without any catalog nothing can be answered: then as often as the gap allows.
        const bool hurry = current == nullptr;
        while (!closing) {
            const bool soon = is_wanted || hurry;
            const loop::Duration wait = soon ? gap : options.refresh_every;
            if (loop->now() - started >= wait) break;
            const bool notified = co_await event.wait_until(loop::Deadline(started + wait));
            if (!notified) break;
        }
    }
}

void SharedCatalog::Core::log_failure(const Error& error) {
    if (!failures.add()) return;
    loop::log::warn("catalog_load_failed", {{"reason", to_string(error.kind)},
                                            {"sqlstate", error.state()},
                                            {"failures", failures.in_a_row()}});
}

void SharedCatalog::Core::request() {
    is_wanted = true;
    event.notify();
}

void SharedCatalog::Core::add_view(std::shared_ptr<ViewState> view) {
    if (current != nullptr) {
        send(view->loop,
             [view, catalog = current] { view->load_ended(catalog, loop::Instant::min()); });
    }
    views.push_back(std::move(view));
}

void SharedCatalog::Core::publish(const CatalogPtr& before, const CatalogPtr& catalog,
                                  std::vector<TableName> changed, loop::Instant started_at) {
    std::erase_if(views, [](const auto& view) { return view.expired(); });
    auto news = std::make_shared<News>(catalog == nullptr ? nullptr : options.loaded, before,
                                       catalog, std::move(changed), views.size() + 1);
    for (const auto& weak : views) {
        std::shared_ptr<ViewState> view = weak.lock();
        if (view == nullptr) {
            news->arrived();
            continue;
        }
        loop::Loop* target = view->loop;
        send(target, [view = std::move(view), news, started_at] {
            view->load_ended(news->now, started_at);
            news->arrived();
        });
    }
    news->arrived();
}

namespace {

class View final : public SchemaCache {
public:
    View(std::shared_ptr<SharedCatalog::Core> core, std::shared_ptr<ViewState> state)
        : core_(std::move(core)), state_(std::move(state)) {}
    ~View() override { FLUX_CHECK(state_->waiters.empty()); }

    [[nodiscard]] CatalogPtr current() const override { return state_->current; }

    [[nodiscard]] loop::Task<CatalogPtr> refresh(loop::Scope* scope) override {
        ViewState& state = *state_;
        // The waiter first: its time must not be after the request's.
        ViewState::Waiter waiter(state.loop);
        send(core_->loop, [core = core_] { core->request(); });
        state.waiters.push_back(waiter);
        scope->add_hook(waiter.hook);
        const auto give_up = loop::Deadline::after(state.loop->now(), refresh_wait_max);
        // Not notified: nobody answers a request that came while the loader closed.
        const bool notified = co_await waiter.event.wait_until(give_up.earlier(scope->deadline()));
        static_cast<void>(notified);
        co_return state_->current;
    }

private:
    std::shared_ptr<SharedCatalog::Core> core_;
    std::shared_ptr<ViewState> state_;
};

}  // namespace

SharedCatalog::SharedCatalog(loop::Loop* loop, Pool* pool, const SchemaCacheOptions& options)
    : core_(std::make_shared<Core>(loop, pool, options)) {
}

SharedCatalog::~SharedCatalog() {
    FLUX_CHECK(core_->scope.empty());
}

void SharedCatalog::start() {
    core_->scope.spawn("catalog_loader", core_->run());
}

void SharedCatalog::invalidate() {
    core_->request();
}

loop::Task<void> SharedCatalog::close() {
    core_->closing = true;
    core_->scope.cancel();
    core_->event.notify();
    co_await core_->scope.join();
    core_->views.clear();
}

uint64_t SharedCatalog::loads() const {
    return core_->loads;
}

std::unique_ptr<SchemaCache> SharedCatalog::make_view(loop::Loop* loop) {
    auto state = std::make_shared<ViewState>(loop);
    send(core_->loop, [core = core_, state] { core->add_view(state); });
    return std::make_unique<View>(core_, std::move(state));
}

}  // namespace fluxgate::pg
