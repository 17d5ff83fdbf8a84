// SPDX-License-Identifier: Apache-2.0
//
// Terminal settings of the ABI: struct termios and winsize as the TCGETS and
// TIOCGWINSZ families have them (asm-generic/termbits.h, termios(3)).
#ifndef CRVM_GUESTKERNEL_TTY_TERMIOS_H_
#define CRVM_GUESTKERNEL_TTY_TERMIOS_H_

#include <cstdint>

namespace gk {

// Indexes into Termios::chars.
enum TermiosChar : unsigned {
  kVIntr = 0,
  kVQuit = 1,
  kVErase = 2,
  kVKill = 3,
  kVEof = 4,
  kVTime = 5,
  kVMin = 6,
  kVSwtc = 7,
  kVStart = 8,
  kVStop = 9,
  kVSusp = 10,
  kVEol = 11,
  kVReprint = 12,
  kVDiscard = 13,
  kVWerase = 14,
  kVLnext = 15,
  kVEol2 = 16,
  kTermiosCharCount = 19,
};

enum TermiosInputFlag : uint32_t {
  kIgnBrk = 01,
  kBrkInt = 02,
  kIgnPar = 04,
  kParMrk = 010,
  kInPck = 020,
  kIStrip = 040,
  kINlCr = 0100,
  kIgnCr = 0200,
  kICrNl = 0400,
  kIUclc = 01000,
  kIXon = 02000,
  kIXany = 04000,
  kIXoff = 010000,
  kIMaxBel = 020000,
  kIUtf8 = 040000,
};

enum TermiosOutputFlag : uint32_t {
  kOPost = 01,
  kOLcuc = 02,
  kONlCr = 04,
  kOCrNl = 010,
  kONoCr = 020,
  kONlRet = 040,
  kTabDelay = 014000,
  kTab3 = 014000,  // XTABS: tabs become spaces
};

enum TermiosControlFlag : uint32_t {
  kBaudMask = 0010017,
  kB38400 = 017,
  kBaudOther = 0010000,
  kCSize = 060,
  kCs8 = 060,
  kCRead = 0200,
  kHupCl = 02000,
};

enum TermiosLocalFlag : uint32_t {
  kISig = 01,
  kICanon = 02,
  kEcho = 010,
  kEchoE = 020,
  kEchoK = 040,
  kEchoNl = 0100,
  kNoFlsh = 0200,
  kToStop = 0400,
  kEchoCtl = 01000,
  kEchoPrt = 02000,
  kEchoKe = 04000,
  kFlushO = 010000,
  kPendIn = 040000,
  kIExten = 0100000,
  kExtProc = 0200000,
};

struct Termios {  // struct termios of the kernel ABI
  uint32_t iflag = kICrNl | kIXon;
  uint32_t oflag = kOPost | kONlCr;
  uint32_t cflag = kB38400 | kCs8 | kCRead | kHupCl;
  uint32_t lflag =
      kISig | kICanon | kEcho | kEchoE | kEchoK | kEchoCtl | kEchoKe | kIExten;
  uint8_t line = 0;
  uint8_t chars[kTermiosCharCount] = {3 /*INTR ^C*/,
                                      28 /*QUIT ^\*/,
                                      127 /*ERASE*/,
                                      21 /*KILL ^U*/,
                                      4 /*EOF ^D*/,
                                      0 /*TIME*/,
                                      1 /*MIN*/,
                                      0 /*SWTC*/,
                                      17 /*START ^Q*/,
                                      19 /*STOP ^S*/,
                                      26 /*SUSP ^Z*/,
                                      0 /*EOL*/,
                                      18 /*REPRINT*/,
                                      15 /*DISCARD*/,
                                      23 /*WERASE ^W*/,
                                      22 /*LNEXT ^V*/,
                                      0 /*EOL2*/};
};
static_assert(sizeof(Termios) == 36);

struct Termios2 {  // struct termios2: with speeds
  Termios base;
  uint32_t input_speed = 38400;
  uint32_t output_speed = 38400;
};
static_assert(sizeof(Termios2) == 44);

struct WindowSize {  // struct winsize
  uint16_t rows = 0;
  uint16_t columns = 0;
  uint16_t x_pixels = 0;
  uint16_t y_pixels = 0;
  friend bool operator==(const WindowSize&, const WindowSize&) = default;
};
static_assert(sizeof(WindowSize) == 8);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_TTY_TERMIOS_H_
