// SPDX-License-Identifier: Apache-2.0
//
// Hosted unit tests of the line discipline: what is typed, what is read, what
// the screen shows.
#include "guestkernel/tty/line_discipline.h"

#include <signal.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gk {
namespace {

class LineDisciplineTest : public testing::Test, public LineDiscipline::Host {
 protected:
  LineDisciplineTest() : tty_(this) {}

  void Echo(const uint8_t* bytes, size_t n) override {
    screen_.append(reinterpret_cast<const char*>(bytes), n);
  }
  void Signal(int signo) override { signals_.push_back(signo); }
  void DiscardOutput() override { ++discards_; }
  void SetOutputStopped(bool stopped) override { stopped_ = stopped; }

  void Type(const std::string& text) {
    tty_.Receive(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  // One read(2); "(block)" if it would wait.
  std::string Read(size_t n = 10000) {
    if (!tty_.HasInput()) return "(block)";
    std::string out(n, 0);
    bool line_done = false;
    out.resize(
        tty_.Read(reinterpret_cast<uint8_t*>(out.data()), n, &line_done));
    return out;
  }
  std::string Print(const std::string& text) {
    std::string out(text.size() * 8 + 8, 0);
    size_t produced = 0;
    EXPECT_EQ(
        tty_.ProcessOutput(reinterpret_cast<const uint8_t*>(text.data()),
                           text.size(), reinterpret_cast<uint8_t*>(out.data()),
                           out.size(), &produced),
        text.size());
    out.resize(produced);
    return out;
  }
  std::string TakeScreen() { return std::exchange(screen_, std::string()); }

  // Changes the settings in place.
  template <typename Change>
  void Set(Change change) {
    Termios t = tty_.termios();
    change(t);
    tty_.SetTermios(t);
  }
  void MakeRaw() {
    Set([](Termios& t) {
      t.iflag &= ~(kICrNl | kIXon);
      t.oflag &= ~kOPost;
      t.lflag &= ~(kEcho | kICanon | kISig | kIExten);
    });
  }

  LineDiscipline tty_;
  std::string screen_;
  std::vector<int> signals_;
  int discards_ = 0;
  bool stopped_ = false;
};

TEST_F(LineDisciplineTest, GivesWholeLines) {
  Type("hel");
  EXPECT_EQ(Read(), "(block)");
  Type("lo\nnext");
  EXPECT_EQ(tty_.ReadableBytes(), 6u);
  EXPECT_EQ(Read(), "hello\n");
  EXPECT_EQ(Read(), "(block)");
  EXPECT_EQ(TakeScreen(), "hello\r\nnext");
}

TEST_F(LineDisciplineTest, OneReadIsAtMostOneLine) {
  Type("a\nb\n");
  EXPECT_EQ(Read(), "a\n");
  EXPECT_EQ(Read(), "b\n");
}

TEST_F(LineDisciplineTest, AShortReadLeavesTheRest) {
  Type("abcdef\n");
  EXPECT_EQ(Read(4), "abcd");
  EXPECT_EQ(Read(4), "ef\n");
}

TEST_F(LineDisciplineTest, ReturnIsNewline) {
  Type("a\r");
  EXPECT_EQ(Read(), "a\n");
  EXPECT_EQ(TakeScreen(), "a\r\n");
  Set([](Termios& t) { t.iflag = kINlCr; });
  Type("b\n");
  EXPECT_EQ(Read(), "(block)");
  Set([](Termios& t) { t.iflag = kIgnCr; });
  Type("\r\n");
  EXPECT_EQ(Read(), "b\r\n");
}

TEST_F(LineDisciplineTest, EndOfFile) {
  Type("\4");
  EXPECT_TRUE(tty_.HasInput());
  EXPECT_TRUE(tty_.AtEndOfFile());
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(Read(), "(block)");
  // After text it only ends the read.
  Type("abc\4def\n");
  EXPECT_EQ(tty_.ReadableBytes(), 7u);
  EXPECT_EQ(Read(), "abc");
  EXPECT_EQ(Read(), "def\n");
  // Also when the read takes exactly the text.
  Type("abc\4x\n");
  EXPECT_EQ(Read(3), "abc");
  EXPECT_EQ(Read(), "x\n");
  EXPECT_EQ(TakeScreen(), "abcdef\r\nabcx\r\n");
}

TEST_F(LineDisciplineTest, ErasesCharacters) {
  Type("abc\x7f\x7fz\n");
  EXPECT_EQ(Read(), "az\n");
  EXPECT_EQ(TakeScreen(), "abc\b \b\b \bz\r\n");
  Type("\x7f\x7fq\n");
  EXPECT_EQ(Read(), "q\n");
}

TEST_F(LineDisciplineTest, DoesNotEraseFinishedLines) {
  Type("one\n\x7f\x7ftwo\n");
  EXPECT_EQ(Read(), "one\n");
  EXPECT_EQ(Read(), "two\n");
}

TEST_F(LineDisciplineTest, ErasesWordsAndLines) {
  Type(
      "make some_thing  \x17"
      "x\n");
  EXPECT_EQ(Read(), "make x\n");
  TakeScreen();
  Type("gone\x15kept\n");
  EXPECT_EQ(Read(), "kept\n");
  EXPECT_EQ(TakeScreen(), "gone\b \b\b \b\b \b\b \bkept\r\n");
  Set([](Termios& t) { t.lflag &= ~kEchoKe; });
  Type("gone\x15kept\n");
  EXPECT_EQ(Read(), "kept\n");
  EXPECT_EQ(TakeScreen(), "gone^U\r\nkept\r\n");
}

TEST_F(LineDisciplineTest, ErasesUtf8CharactersWhole) {
  Set([](Termios& t) { t.iflag |= kIUtf8; });
  Type(
      "a\xc3\xa4\x7f"
      "b\xe2\x82\xac\x7f\n");
  EXPECT_EQ(Read(), "ab\n");
  EXPECT_EQ(TakeScreen(), "a\xc3\xa4\b \bb\xe2\x82\xac\b \b\r\n");
}

TEST_F(LineDisciplineTest, ErasesTabsAndControlCharacters) {
  Type("ab\t\x7f");
  EXPECT_EQ(TakeScreen(), "ab\t\b\b\b\b\b\b");
  Type("\x16\x01\x7f\n");  // literal ^A
  EXPECT_EQ(TakeScreen(), "^\b^A\b \b\b \b\r\n");
  EXPECT_EQ(Read(), "ab\n");
}

TEST_F(LineDisciplineTest, TabsAreErasedBehindAPrompt) {
  Print("> ");
  Type("\t\x7f");
  EXPECT_EQ(TakeScreen(), "\t\b\b\b\b\b\b");
}

TEST_F(LineDisciplineTest, PrintingTerminals) {
  Set([](Termios& t) { t.lflag |= kEchoPrt; });
  Type("abc\x7f\x7fx\n");
  EXPECT_EQ(Read(), "ax\n");
  EXPECT_EQ(TakeScreen(), "abc\\cb/x\r\n");
}

TEST_F(LineDisciplineTest, LiteralNextTakesAnything) {
  Type("\x16\x03\x16\x04\x16\x7f\n");
  EXPECT_EQ(Read(), "\x03\x04\x7f\n");
  EXPECT_TRUE(signals_.empty());
}

TEST_F(LineDisciplineTest, Reprints) {
  Type(
      "ab\x12"
      "c\n");
  EXPECT_EQ(Read(), "abc\n");
  EXPECT_EQ(TakeScreen(), "ab^R\r\nabc\r\n");
}

TEST_F(LineDisciplineTest, Signals) {
  Type("gone\x03");
  Type("\x1c\x1a");
  EXPECT_EQ(signals_, (std::vector<int>{SIGINT, SIGQUIT, SIGTSTP}));
  EXPECT_EQ(TakeScreen(), "gone^C^\\^Z");
  EXPECT_EQ(discards_, 3);
  Type("\n");
  EXPECT_EQ(Read(), "\n");
}

TEST_F(LineDisciplineTest, SignalsWithoutFlush) {
  Set([](Termios& t) { t.lflag |= kNoFlsh; });
  Type("kept\x03\n");
  EXPECT_EQ(signals_.size(), 1u);
  EXPECT_EQ(discards_, 0);
  EXPECT_EQ(Read(), "kept\n");
}

TEST_F(LineDisciplineTest, DisabledCharactersAreOrdinary) {
  Set([](Termios& t) { t.chars[kVIntr] = 0; });
  Type("\x03" + std::string(1, '\0') + "\n");
  EXPECT_TRUE(signals_.empty());
  EXPECT_EQ(Read(), std::string("\x03\0\n", 3));
}

TEST_F(LineDisciplineTest, ExtraLineEnds) {
  Set([](Termios& t) { t.chars[kVEol] = ';'; });
  Type("a;b\n");
  EXPECT_EQ(Read(), "a;");
  EXPECT_EQ(Read(), "b\n");
}

TEST_F(LineDisciplineTest, FlowControl) {
  Type("\x13");
  EXPECT_TRUE(stopped_);
  EXPECT_TRUE(tty_.output_stopped());
  Type("x");
  EXPECT_TRUE(stopped_);
  Type("\x11");
  EXPECT_FALSE(stopped_);
  Set([](Termios& t) { t.iflag |= kIXany; });
  Type("\x13y");
  EXPECT_FALSE(stopped_);
  Type("\n");
  EXPECT_EQ(Read(), "xy\n");
  Type("\x13\x03");  // a signal restarts it
  EXPECT_FALSE(stopped_);
  Type("\x13");
  Set([](Termios& t) { t.iflag &= ~kIXon; });
  EXPECT_FALSE(stopped_);
}

TEST_F(LineDisciplineTest, RawModePassesEverything) {
  MakeRaw();
  Type("\x03\x04\x13\x7f\r\n");
  EXPECT_EQ(tty_.ReadableBytes(), 6u);
  EXPECT_TRUE(tty_.HasInput(6));
  EXPECT_FALSE(tty_.HasInput(7));
  EXPECT_EQ(Read(2), "\x03\x04");
  EXPECT_EQ(Read(), "\x13\x7f\r\n");
  EXPECT_EQ(TakeScreen(), "");
  EXPECT_TRUE(signals_.empty());
}

TEST_F(LineDisciplineTest, SwitchingModesKeepsInput) {
  Type("half");
  MakeRaw();
  EXPECT_EQ(Read(2), "ha");
  Set([](Termios& t) { t.lflag |= kICanon; });
  EXPECT_EQ(Read(), "lf");
  Type("new\n");
  EXPECT_EQ(Read(), "new\n");
}

TEST_F(LineDisciplineTest, EchoesOnlyNewlines) {
  Set([](Termios& t) { t.lflag = (t.lflag & ~kEcho) | kEchoNl; });
  Type("secret\n");
  EXPECT_EQ(TakeScreen(), "\r\n");
  EXPECT_EQ(Read(), "secret\n");
}

TEST_F(LineDisciplineTest, AnOverlongLineKeepsItsStart) {
  const std::string much(5000, 'x');
  EXPECT_GT(tty_.InputSpace(), 4000u);
  Type(much);
  EXPECT_EQ(Read(), "(block)");
  EXPECT_GT(tty_.InputSpace(), 0u);  // the newline must get through
  Type("\n");
  const std::string line = Read();
  EXPECT_EQ(line.size(), 4096u);
  EXPECT_EQ(line.back(), '\n');
}

TEST_F(LineDisciplineTest, UnreadLinesHoldUpInput) {
  Type("first\n");
  Type(std::string(4090, 'x'));
  EXPECT_EQ(tty_.InputSpace(), 0u);
  Read();
  EXPECT_GT(tty_.InputSpace(), 0u);
  MakeRaw();
  Type(std::string(10000, 'y'));
  EXPECT_EQ(tty_.InputSpace(), 0u);
  Read();
  EXPECT_EQ(tty_.InputSpace(), LineDiscipline::kCapacity);
}

TEST_F(LineDisciplineTest, OutputProcessing) {
  EXPECT_EQ(Print("a\nb\tc"), "a\r\nb\tc");
  Set([](Termios& t) { t.oflag = kOPost | kONlCr | kTab3; });
  Print("\n");
  EXPECT_EQ(Print("ab\tc"), "ab      c");
  Set([](Termios& t) { t.oflag = kOPost | kOCrNl; });
  EXPECT_EQ(Print("a\rb"), "a\nb");
  Set([](Termios& t) { t.oflag = kOPost | kONoCr | kOLcuc; });
  EXPECT_EQ(Print("\rx"), "\rX");
  EXPECT_EQ(Print("\r\r"), "\r");
  Set([](Termios& t) { t.oflag = kONlCr; });  // without OPOST: nothing
  EXPECT_EQ(Print("a\n"), "a\n");
}

TEST_F(LineDisciplineTest, OutputStopsWhereThereIsNoRoom) {
  const std::string text(100, '\n');
  uint8_t out[40];
  size_t produced = 0;
  const size_t taken =
      tty_.ProcessOutput(reinterpret_cast<const uint8_t*>(text.data()),
                         text.size(), out, sizeof(out), &produced);
  EXPECT_GT(taken, 10u);
  EXPECT_EQ(produced, 2 * taken);
  EXPECT_LE(produced, sizeof(out));
}

TEST_F(LineDisciplineTest, FlushForgetsInput) {
  Type("one\ntwo");
  tty_.FlushInput();
  EXPECT_EQ(Read(), "(block)");
  Type("\n");
  EXPECT_EQ(Read(), "\n");
}

}  // namespace
}  // namespace gk
