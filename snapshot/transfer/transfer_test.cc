// SPDX-License-Identifier: Apache-2.0
//
// The files of a snapshot, sent and received.

#include <signal.h>
#include <sys/socket.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "gtest/gtest.h"
#include "snapshot/format/snapshot_reader.h"
#include "snapshot/testing/faulty_file_system.h"
#include "snapshot/testing/sample_snapshot.h"
#include "snapshot/testing/temp_dir.h"
#include "snapshot/transfer/incoming_snapshot.h"
#include "snapshot/transfer/outgoing_snapshot.h"
#include "snapshot/transfer/protocol.h"
#include "snapshot/wire/frame_channel.h"

namespace crvm {
namespace {

class TransferTest : public testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    ASSERT_TRUE(WriteSample(dir_.File(".tmp"), dir_.File("1")).ok());
    header_file_ = *ReadHeaderFile(dir_.File("1"));
    header_ = *DecodeHeader(header_file_);
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    sender_ = std::make_unique<FrameChannel>(UniqueFd(fds[0]), UniqueFd());
    receiver_ = std::make_unique<FrameChannel>(UniqueFd(fds[1]), UniqueFd());
  }

  std::unique_ptr<IncomingSnapshot> Incoming() {
    return *IncomingSnapshot::Create(dir_.File(".in"), header_file_,
                                     &FileSystem::Host());
  }

  // Sends the sample; `change` may damage a message on its way.
  absl::Status Transfer(
      IncomingSnapshot& incoming,
      const std::function<void(Frame&)>& change = [](Frame&) {}) {
    std::thread thread([&] {
      (void)SendSnapshotFiles(dir_.File("1"), header_, *sender_, nullptr);
    });
    absl::Status status;
    for (;;) {
      Frame frame = *receiver_->Receive();
      change(frame);
      TransferDataEnd end;
      TransferData data;
      if (static_cast<TransferMessage>(frame.type) ==
          TransferMessage::kDataEnd) {
        status.Update(Decode(frame.payload, end));
        if (status.ok()) status = incoming.Finish(end);
        break;
      }
      status.Update(Decode(frame.payload, data));
      if (status.ok()) status = incoming.OnData(data);
    }
    thread.join();
    return status;
  }

  TempDir dir_;
  std::string header_file_;
  SnapshotHeader header_;
  std::unique_ptr<FrameChannel> sender_;
  std::unique_ptr<FrameChannel> receiver_;
};

TEST_F(TransferTest, ArrivesWhole) {
  auto incoming = Incoming();
  const absl::Status status = Transfer(*incoming);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_TRUE(incoming->Publish(dir_.File("2")).ok());
  for (const char* file : {"header", "state", "memory"}) {
    EXPECT_EQ(ReadWholeFile(dir_.File("1/") + file),
              ReadWholeFile(dir_.File("2/") + file));
  }
  EXPECT_EQ(dir_.List(), (std::vector<std::string>{"1", "2"}));
}

TEST_F(TransferTest, InterruptedLeavesNothing) {
  {
    auto incoming = Incoming();
    ASSERT_TRUE(
        incoming->OnData({TransferFile::kState, 0, std::string(10, 'x')}).ok());
    EXPECT_EQ(dir_.List().size(), 2u);
  }
  EXPECT_EQ(dir_.List(), std::vector<std::string>{"1"});
}

TEST_F(TransferTest, DamagedDataIsRefused) {
  auto incoming = Incoming();
  const absl::Status status = Transfer(*incoming, [](Frame& frame) {
    if (frame.payload.size() > 100) frame.payload[50] ^= 1;
  });
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(TransferTest, DamagedSourceIsRefused) {
  // The stream is right, but what it carries is not what the header says.
  std::string state = ReadWholeFile(dir_.File("1/state"));
  state[5] ^= 1;
  WriteWholeFile(dir_.File("1/state"), state);
  auto incoming = Incoming();
  const absl::Status status = Transfer(*incoming);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("section vcpu.0"), std::string::npos);
}

TEST_F(TransferTest, HostileData) {
  const uint64_t size = header_.state_length;
  const TransferData bad[] = {
      {TransferFile::kState, 1, "gap"},
      {TransferFile::kState, 0, std::string(size + 1, 'x')},
      {TransferFile::kState, ~uint64_t{0}, "x"},
  };
  for (const TransferData& data : bad) {
    auto incoming = Incoming();
    EXPECT_TRUE(absl::IsDataLoss(incoming->OnData(data)));
  }
  auto incoming = Incoming();
  EXPECT_TRUE(absl::IsDataLoss(incoming->Finish({})));  // nothing came
}

TEST_F(TransferTest, HostileHeader) {
  for (const std::string& header :
       {std::string(), std::string(64, '\0'), header_file_ + "x",
        header_file_.substr(0, 70)}) {
    EXPECT_FALSE(
        IncomingSnapshot::Create(dir_.File(".in"), header, &FileSystem::Host())
            .ok());
  }
  EXPECT_EQ(dir_.List(), std::vector<std::string>{"1"});
}

TEST_F(TransferTest, TheSenderHearsWhyTheReceiverGaveUp) {
  ASSERT_TRUE(receiver_
                  ->Send(static_cast<uint16_t>(TransferMessage::kFailed),
                         Encode(TransferOutcome{125, "no space left"}))
                  .ok());
  receiver_.reset();
  const absl::Status status =
      SendSnapshotFiles(dir_.File("1"), header_, *sender_, nullptr);
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(status.message(), "no space left");
}

TEST_F(TransferTest, TheReceiverGoes) {
  receiver_.reset();
  EXPECT_TRUE(absl::IsUnavailable(
      SendSnapshotFiles(dir_.File("1"), header_, *sender_, nullptr)));
}

TEST_F(TransferTest, EveryFailedCallOfTheReceiverLeavesNothing) {
  for (int i = 0;; ++i) {
    FaultyFileSystem faulty(i);
    absl::Status status;
    {
      auto incoming =
          IncomingSnapshot::Create(dir_.File(".in"), header_file_, &faulty);
      status = incoming.status();
      if (status.ok()) status = Transfer(**incoming);
      if (status.ok()) status = (*incoming)->Publish(dir_.File("2"));
    }
    if (faulty.calls() <= i) {
      EXPECT_TRUE(status.ok());
      EXPECT_GT(i, 10);
      break;
    }
    EXPECT_FALSE(status.ok());
    // Only the last call, the sync of the parent, comes after the rename.
    if (dir_.List().size() != 1) {
      EXPECT_EQ(dir_.List(), (std::vector<std::string>{"1", "2"}));
      std::filesystem::remove_all(dir_.File("2"));
    }
  }
}

}  // namespace
}  // namespace crvm
