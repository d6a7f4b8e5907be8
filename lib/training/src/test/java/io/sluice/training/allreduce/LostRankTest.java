package io.sluice.training.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.training.transport.GroupKey;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Ranks in processes of their own that end or stop, as machines do. */
class LostRankTest {
  private final GroupKey key = GroupKey.create("run-7");

  @Test
  void aRankThatIsKilledIsNoticedAtOnce() throws Exception {
    assertThatThrownBy(() -> sumWhile("KILL"))
        .isInstanceOf(PeerLostException.class)
        .hasMessageMatching(
            "Rank 1 of 2 is lost: it (closed the connection|broke the connection .*)");
  }

  @Test
  void aRankThatIsStoppedIsNoticedWithinTheSilenceDeadline() throws Exception {
    assertThatThrownBy(() -> sumWhile("STOP"))
        .isInstanceOf(PeerLostException.class)
        .hasMessage("Rank 1 of 2 is lost: it sent nothing for 1s, not even a heartbeat");
  }

  /** Sums with a rank of another process that gets a signal and takes no part. */
  private void sumWhile(String signal) throws Exception {
    try (var rendezvous =
            Rendezvous.open(RankProcess.TRANSPORT, 0, 2, key, AllReduceSettings.DEFAULT);
        var peer = new RankProcess(key, rendezvous.address());
        var allReduce =
            rendezvous.join(List.of(rendezvous.address(), peer.address()), Ranks.DEADLINE)) {
      assertThat(allReduce.sum(new double[] {2})).containsExactly(3);
      AllReduce.Pending pending = allReduce.sum(Ranks.memory(new float[1_000_000]));

      peer.signal(signal);

      pending.await(Ranks.DEADLINE);
    }
  }
}
