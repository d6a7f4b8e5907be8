package io.sluice.training.sharing;

import io.sluice.training.allreduce.WireFormat;
import io.sluice.training.loop.ThresholdSettings;
import java.io.Serializable;
import java.time.Duration;
import java.util.Optional;

/**
 * How ranks find, hear and replace each other.
 *
 * @param wire how gradients travel
 * @param threshold how they are encoded where {@code wire} is a threshold
 * @param driverPort TCP port that the driver listens on; 0 is any
 * @param port first of {@value #PORTS} TCP ports of which a rank listens on a free one; 0 is any
 * @param minWorkers fewer than this are not trained with, after executors were lost
 * @param retries attempts that may fail one after the other with no checkpoint written between
 * @param joinTimeout for task slots to be there, and for ranks to find each other
 * @param silenceTimeout after which a rank that is not heard of counts as lost
 * @param stepTimeout for a step of the slowest rank
 */
public record GradientSharingSettings(
    Wire wire,
    ThresholdSettings threshold,
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

  /** How gradients travel. */
  public enum Wire {
    /** All numbers, exact. */
    F32(WireFormat.F32),
    /** All numbers, rounded. */
    BF16(WireFormat.BF16),
    /** Large numbers, by place and sign; the rest follows later. */
    THRESHOLD(WireFormat.F32);

    private final WireFormat format;

    Wire(WireFormat format) {
      this.format = format;
    }

    /** Of what is summed. */
    WireFormat format() {
      return format;
    }
  }

  /** How gradients are encoded; empty where they are summed. */
  Optional<ThresholdSettings> encoding() {
    return wire == Wire.THRESHOLD ? Optional.of(threshold) : Optional.empty();
  }

  /** How often a link at rest says that it is there. */
  Duration heartbeat() {
    return silenceTimeout.dividedBy(5);
  }
}
