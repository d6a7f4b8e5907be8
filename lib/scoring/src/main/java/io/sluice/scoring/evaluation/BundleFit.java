package io.sluice.scoring.evaluation;

import io.sluice.config.NearMiss;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.WindowContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Whether a model can read a dataset's windows: everything of the contract but the scalers must be
 * equal. The model brings its own scalers; a dataset that was rebuilt for late data has others.
 */
final class BundleFit {

  /**
   * @throws InvalidInputException naming every difference
   */
  static void require(
      WindowContract bundle, String bundleUri, WindowContract dataset, String datasetUri) {
    List<String> differences = differences(bundle, dataset);
    if (!differences.isEmpty()) {
      throw new InvalidInputException(
          "Model bundle %s does not fit dataset %s, %d difference(s):%n  - %s%nEvaluate on a dataset built with the bundle's settings, or train on this one."
              .formatted(
                  bundleUri,
                  datasetUri,
                  differences.size(),
                  String.join(System.lineSeparator() + "  - ", differences)));
    }
  }

  static List<String> differences(WindowContract bundle, WindowContract dataset) {
    var found = new ArrayList<String>();
    compare(found, "grid step (ticks)", bundle.time().stepTicks(), dataset.time().stepTicks());
    compare(found, "time", bundle.time().type(), dataset.time().type());
    compare(found, "look-back", bundle.lookBack(), dataset.lookBack());
    compare(found, "horizon", bundle.horizon(), dataset.horizon());
    names(found, "channel", bundle.channels(), dataset.channels());
    names(found, "input", bundle.inputs(), dataset.inputs());
    compare(found, "masks", bundle.masks(), dataset.masks());
    compare(found, "time-since-last", bundle.timeSinceLast(), dataset.timeSinceLast());
    compare(found, "max-gap-steps", bundle.maxGapSteps(), dataset.maxGapSteps());
    compare(found, "calendar", bundle.calendar(), dataset.calendar());
    compare(found, "calendar-zone", bundle.calendarZone(), dataset.calendarZone());
    names(found, "known-future channel", bundle.knownFuture(), dataset.knownFuture());
    compare(found, "target type", bundle.target().type(), dataset.target().type());
    names(found, "target channel", bundle.target().channels(), dataset.target().channels());
    names(found, "class", bundle.target().classes(), dataset.target().classes());
    compare(found, "lead time (steps)", bundle.target().leadSteps(), dataset.target().leadSteps());
    compare(found, "remaining-life-cap", bundle.target().cap(), dataset.target().cap());
    compare(found, "scaling.window", bundle.scaling().window(), dataset.scaling().window());
    return found;
  }

  private static void compare(List<String> found, String what, Object bundle, Object dataset) {
    if (!Objects.equals(bundle, dataset)) {
      found.add("%s is %s in the bundle, %s in the dataset".formatted(what, bundle, dataset));
    }
  }

  private static void names(
      List<String> found, String what, List<String> bundle, List<String> dataset) {
    if (bundle.equals(dataset)) {
      return;
    }
    int before = found.size();
    for (String name : bundle) {
      if (!dataset.contains(name)) {
        found.add(
            "%s \"%s\" of the bundle is missing in the dataset%s"
                .formatted(
                    what,
                    name,
                    NearMiss.of(name, dataset).map("; it has \"%s\""::formatted).orElse("")));
      }
    }
    for (String name : dataset) {
      if (!bundle.contains(name)) {
        found.add("%s \"%s\" of the dataset is unknown to the bundle".formatted(what, name));
      }
    }
    if (found.size() == before) {
      found.add(
          "order of each %s is %s in the bundle, %s in the dataset"
              .formatted(what, bundle, dataset));
    }
  }

  private BundleFit() {}
}
