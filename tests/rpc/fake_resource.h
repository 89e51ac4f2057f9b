// Resources and prompts that do what a test tells them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rpc/content.h"
#include "rpc/prompt.h"
#include "rpc/resource.h"

namespace fluxgate::test {

class FakeResource final : public rpc::Resource {
public:
    explicit FakeResource(std::string uri, std::vector<std::string> scopes = {}) {
        info_.name = "Name of " + uri;
        info_.uri = std::move(uri);
        info_.title = "Title";
        info_.description = "A \"resource\".";
        info_.mime_type = "text/plain";
        info_.scopes = std::move(scopes);
    }

    std::vector<std::string> members;  // URIs that list() gives
    std::optional<rpc::CallFailure> failure;
    std::string text;                 // what read() gives; empty: no contents
    bool is_found = true;             // by read()
    std::vector<std::string> values;  // that complete() gives
    int reads = 0;

    [[nodiscard]] rpc::ResourceInfo& edit_info() { return info_; }
    [[nodiscard]] const rpc::ResourceInfo& info() const override { return info_; }
    [[nodiscard]] loop::Task<rpc::ReadOutcome> read(rpc::ReadCall* call) override {
        ++reads;
        if (failure) co_return std::unexpected(*failure);
        rpc::ReadResult result;
        result.found = is_found;
        if (!text.empty()) {
            rpc::append_text_contents(result.contents, call->uri, info_.mime_type, text);
        }
        co_return result;
    }
    [[nodiscard]] loop::Task<rpc::CompletionOutcome> complete(rpc::CompletionCall*) override {
        co_return values;
    }
    [[nodiscard]] loop::Task<rpc::ListOutcome> list(rpc::CallContext*) override {
        if (failure) co_return std::unexpected(*failure);
        std::vector<rpc::ListedResource> listed;
        for (const std::string& uri : members)
            listed.push_back({.uri = uri, .name = "member", .title = "", .description = ""});
        co_return listed;
    }

private:
    rpc::ResourceInfo info_;
};

class FakePrompt final : public rpc::Prompt {
public:
    explicit FakePrompt(std::string name, std::vector<std::string> scopes = {}) {
        info_.name = std::move(name);
        info_.title = "Title";
        info_.description = "Asks.";
        info_.scopes = std::move(scopes);
    }
    // Asked of the client first, in each call that brings no inputs.
    std::vector<rpc::InputRequest> asks;
    std::vector<std::string> values;  // that complete() gives
    std::string seen;                 // by complete(): "argument=value known"
    int gets = 0;

    [[nodiscard]] rpc::PromptInfo& edit_info() { return info_; }
    [[nodiscard]] const rpc::PromptInfo& info() const override { return info_; }
    [[nodiscard]] loop::Task<rpc::PromptOutcome> get(rpc::PromptCall* call) override {
        ++gets;
        rpc::PromptResult result;
        if (!asks.empty() && call->inputs == nullptr) {
            result.ask = std::make_unique<rpc::InputRequired>(asks, "");
            co_return result;
        }
        result.description = info_.description;
        loop::BlockChain item;
        rpc::append_text_item(item, "Explore " + std::string(call->argument("table")));
        rpc::append_message(result.messages, rpc::Role::user, std::move(item));
        co_return result;
    }
    [[nodiscard]] loop::Task<rpc::CompletionOutcome> complete(rpc::CompletionCall* call) override {
        seen = std::string(call->argument) + "=" + std::string(call->value) + " " +
               std::string(call->settled("schema"));
        co_return values;
    }

private:
    rpc::PromptInfo info_;
};

}  // namespace fluxgate::test
