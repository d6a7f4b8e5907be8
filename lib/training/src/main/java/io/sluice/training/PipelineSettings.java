package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.training.allreduce.WireFormat;
import java.util.List;
import java.util.Optional;

/**
 * How the layers of a network are spread over ranks.
 *
 * @param stages P; empty is as many as {@code placement} has, or {@value #STAGES}
 * @param placement a stage for each recurrent layer, lowest first, and perhaps one for what is
 *     above them; empty is the one that balances the stages
 * @param timeChunk time steps of a time chunk; empty leaves it to the plan
 * @param wire how activations and their gradients travel
 */
record PipelineSettings(
    Optional<Integer> stages,
    Optional<List<Integer>> placement,
    Optional<Integer> timeChunk,
    WireFormat wire) {
  private static final int STAGES = 2;

  static PipelineSettings from(ConfigReader section) {
    var settings =
        new PipelineSettings(
            section.isAuto("stages")
                ? Optional.empty()
                : Optional.of(section.intAtLeast("stages", 1)),
            section.isAuto("placement")
                ? Optional.empty()
                : Optional.of(section.intsAtLeast("placement", 0)),
            section.isAuto("time-chunk")
                ? Optional.empty()
                : Optional.of(section.intAtLeast("time-chunk", 1)),
            section.choice("wire", WireFormat.class));
    int placed = settings.placed();
    section.check(
        placed == 0 || settings.stages.isEmpty() || settings.stages.get() == placed,
        "stages",
        "must be auto or the %d that placement has, but is %d",
        placed,
        settings.stages.orElse(0));
    return settings;
  }

  /** Stages of the placement that is given; 0 if none is. */
  private int placed() {
    return placement.map(given -> given.stream().max(Integer::compare).orElse(-1) + 1).orElse(0);
  }

  /** P. */
  int count() {
    return stages.orElseGet(() -> placed() > 0 ? placed() : STAGES);
  }
}
