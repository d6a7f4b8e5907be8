package io.sluice.training.sharing;

import io.sluice.training.allreduce.AllReduceSettings;
import io.sluice.training.allreduce.Rendezvous;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.TransportSettings;
import java.io.IOException;
import java.util.List;

/**
 * Where a rank listens: on ports of the range that the settings give that no other rank on this
 * host has.
 *
 * @param key of the attempt
 */
record Ports(TransportSettings transport, GroupKey key, GradientSharingSettings settings) {

  /** Opens something that listens. */
  interface Opening<T> {
    T on(TransportSettings transport) throws IOException;
  }

  <T> T open(Opening<T> opening) throws IOException {
    int first = settings.port();
    for (int port = first; ; port++) {
      try {
        return opening.on(transport.withPort(port));
      } catch (IOException e) {
        if (first == 0 || port - first + 1 == GradientSharingSettings.PORTS) {
          throw e;
        }
      }
    }
  }

  /**
   * Of a group that sums.
   *
   * @param rank in the group
   * @param members the ranks of the run that are in it
   * @param ranks of the run
   */
  Rendezvous rendezvous(int rank, List<Integer> members, int ranks) throws IOException {
    AllReduceSettings allReduce =
        AllReduceSettings.DEFAULT
            .withWire(settings.wire().format())
            .withDeadline(settings.stepTimeout());
    return open(
        on ->
            Rendezvous.open(
                on,
                rank,
                members.size(),
                member -> "rank %d of %d".formatted(members.get(member), ranks),
                key,
                allReduce));
  }
}
