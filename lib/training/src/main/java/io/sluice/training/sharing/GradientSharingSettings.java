package io.sluice.training.sharing;

import io.sluice.training.allreduce.WireFormat;
import java.io.Serializable;
import java.time.Duration;

/**
 * How ranks find, hear and replace each other.
 *
 * @param wire how gradients travel
 * @param driverPort TCP port that the driver listens on; 0 is any
 * @param port first of {@value #PORTS} TCP ports of which a rank listens on a free one; 0 is any
 * @param minWorkers fewer than this are not trained with, after executors were lost
 * @param retries attempts that may fail one after the other with no checkpoint written between
 * @param joinTimeout for task slots to be there, and for ranks to find each other
 * @param silenceTimeout after which a rank that is not heard of counts as lost
 * @param stepTimeout for a step of the slowest rank
 */
public record GradientSharingSettings(
    WireFormat wire,
    int driverPort,
    int port,
    int minWorkers,
    int retries,
    Duration joinTimeout,
    Duration silenceTimeout,
    Duration stepTimeout)
    implements Serializable {

  /** Ranks on one host that a range of ports is enough for. */
  static final int PORTS = 16;

  /** How often a link at rest says that it is there. */
  Duration heartbeat() {
    return silenceTimeout.dividedBy(5);
  }
}
