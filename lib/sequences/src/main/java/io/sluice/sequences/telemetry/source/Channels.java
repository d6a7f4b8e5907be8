package io.sluice.sequences.telemetry.source;

import io.sluice.config.NearMiss;
import io.sluice.failure.InvalidInputException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Which channels of a source are kept, in which order, and what for.
 *
 * @param stored all of them, in the order of the segment's columns
 * @param inputs those a network sees
 * @param targets those it forecasts; empty for other targets
 * @param label the label column or tag; null if there is none
 */
public record Channels(
    List<String> stored, List<String> inputs, List<String> targets, String label) {
  private static final Set<String> RESERVED =
      Set.of("series", "segment", "time", "origin", "label", "split", "period");

  public Channels {
    stored = List.copyOf(stored);
    inputs = List.copyOf(inputs);
    targets = List.copyOf(targets);
  }

  /**
   * Settles the names.
   *
   * @param available channels the source has, in its order
   * @param inputs as asked for; empty = all that are available
   * @param targets as asked for; null = no forecast, empty = the inputs
   * @param knownFuture as asked for
   */
  public static Channels of(
      List<String> available,
      List<String> inputs,
      List<String> targets,
      List<String> knownFuture,
      String label,
      String source) {
    List<String> chosenInputs = inputs.isEmpty() ? available : inputs;
    List<String> chosenTargets =
        targets == null ? List.of() : targets.isEmpty() ? chosenInputs : targets;
    if (chosenInputs.isEmpty()) {
      throw new InvalidInputException(
          "%s has no numeric channel to learn from. Name them in features.channels."
              .formatted(source));
    }
    var stored = new LinkedHashSet<>(chosenInputs);
    stored.addAll(chosenTargets);
    stored.addAll(knownFuture);
    for (String name : stored) {
      if (!available.contains(name)) {
        String setting =
            inputs.contains(name)
                ? "features.channels"
                : knownFuture.contains(name) ? "features.known-future" : "target.channels";
        throw new InvalidInputException(
            "%s has no channel \"%s\" (%s); %s"
                .formatted(source, name, setting, NearMiss.suggestion(name, available)));
      }
      if (RESERVED.contains(name) || name.startsWith("age__")) {
        throw new InvalidInputException(
            "%s has a channel called \"%s\", a name that the dataset needs for itself. Rename it in a view or with source.column-names."
                .formatted(source, name));
      }
    }
    return new Channels(
        List.copyOf(stored), List.copyOf(chosenInputs), List.copyOf(chosenTargets), label);
  }

  /**
   * Values per step while a segment is assembled: the channels, and the label where there is one.
   */
  public int tracks() {
    return stored.size() + (label == null ? 0 : 1);
  }
}
