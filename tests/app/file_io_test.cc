#include "app/file_io.h"

#include <sys/resource.h>

#include <csignal>

#include "tests/app/config_fixture.h"

namespace fluxgate::app {
namespace {

using testing::HasSubstr;

class FileIo : public ConfigFixture {};

TEST_F(FileIo, ReadsAPasswordWithoutItsLineEnd) {
    EXPECT_EQ(read_password_file(write("p", "hunter2\n"))->reveal(), "hunter2");
    EXPECT_EQ(read_password_file(write("p", "hunter2\r\n"))->reveal(), "hunter2");
    EXPECT_EQ(read_password_file(write("p", " with blanks "))->reveal(), " with blanks ");
}

TEST_F(FileIo, RefusesAPasswordFileThatOthersMayReadOrWrite) {
    for (const mode_t mode : {0644u, 0604u, 0602u, 0666u})
        EXPECT_THAT(read_password_file(write("p", "x", mode)).error(), HasSubstr("chmod 600"));
    EXPECT_TRUE(read_password_file(write("p", "x", 0640)));
}

TEST_F(FileIo, RefusesWhatIsNoPassword) {
    EXPECT_THAT(read_password_file(write("p", "")).error(), HasSubstr("is empty"));
    EXPECT_THAT(read_password_file(write("p", "\n\n")).error(), HasSubstr("is empty"));
    EXPECT_THAT(read_password_file(write("p", "a\nb\n")).error(), HasSubstr("one line"));
    EXPECT_THAT(read_password_file(write("p", std::string("a\0b", 3))).error(),
                HasSubstr("one line"));
    EXPECT_THAT(read_password_file(write("p", std::string(1025, 'x'))).error(),
                HasSubstr("larger than 1024"));
    EXPECT_THAT(read_password_file(directory_ / "none").error(), HasSubstr("does not exist"));
    EXPECT_THAT(read_password_file(directory_).error(), HasSubstr("not a regular file"));
}

TEST_F(FileIo, DoesNotHangOnAFifo) {
    const auto path = directory_ / "fifo";
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    EXPECT_THAT(read_password_file(path).error(), HasSubstr("not a regular file"));
}

TEST_F(FileIo, MakesPrivateFilesAndOverwritesNone) {
    const auto path = directory_ / "new";
    ASSERT_TRUE(write_new_private_file(path, "secret"));
    struct stat status{};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    EXPECT_FALSE(write_new_private_file(path, "other"));
    EXPECT_EQ(read_small_file(path, 100)->bytes, "secret");
    EXPECT_FALSE(write_new_private_file(directory_ / "no" / "such", "x"));
}

TEST_F(FileIo, LeavesNoFileThatCouldNotBeWrittenWhole) {
    const auto path = directory_ / "part";
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit four_bytes{.rlim_cur = 4, .rlim_max = before.rlim_max};
    const int limited = setrlimit(RLIMIT_FSIZE, &four_bytes);
    const auto written = write_new_private_file(path, "secret");
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_handler);
    ASSERT_EQ(limited, 0);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error(), "can not be written: File too large");
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(write_new_private_file(path, "secret"));
}

}  // namespace
}  // namespace fluxgate::app
