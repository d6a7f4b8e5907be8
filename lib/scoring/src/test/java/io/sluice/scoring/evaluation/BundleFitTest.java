package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BundleFitTest {

  @Test
  void everyDifferenceIsNamedInOneMessage() {
    WindowContract bundle = FakeLake.contract();
    var dataset =
        new WindowContract(
            bundle.time(),
            24,
            bundle.horizon(),
            bundle.stride(),
            List.of("load", "flows", "temperature"),
            bundle.inputs(),
            true,
            bundle.timeSinceLast(),
            bundle.maxGapSteps(),
            bundle.calendar(),
            bundle.calendarZone(),
            bundle.knownFuture(),
            bundle.target(),
            bundle.scaling());

    assertThatThrownBy(() -> BundleFit.require(bundle, "models/m/1", dataset, "datasets/d"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            """
            Model bundle models/m/1 does not fit dataset datasets/d, 4 difference(s):
              - look-back is 48 in the bundle, 24 in the dataset
              - channel "flow" of the bundle is missing in the dataset; it has "flows"
              - channel "flows" of the dataset is unknown to the bundle
              - masks is false in the bundle, true in the dataset
            Evaluate on a dataset built with the bundle's settings, or train on this one.""");
  }

  @Test
  void otherScalersAndAnotherStrideStillFit() {
    WindowContract bundle = FakeLake.contract();
    var rebuilt =
        new WindowContract(
            bundle.time(),
            bundle.lookBack(),
            bundle.horizon(),
            5,
            bundle.channels(),
            bundle.inputs(),
            bundle.masks(),
            bundle.timeSinceLast(),
            bundle.maxGapSteps(),
            bundle.calendar(),
            bundle.calendarZone(),
            bundle.knownFuture(),
            bundle.target(),
            new WindowContract.Scaling(
                "standard", WindowContract.WindowNormalization.NONE, Map.of(), Map.of()));

    assertThat(BundleFit.differences(bundle, rebuilt)).isEmpty();
  }

  @Test
  void anotherGridDoesNotFit() {
    WindowContract bundle = FakeLake.contract();
    var faster = new TimeAxis(TimeAxis.Type.TIMESTAMP, FakeLake.HOUR / 4);
    var dataset =
        new WindowContract(
            faster,
            bundle.lookBack(),
            bundle.horizon(),
            bundle.stride(),
            bundle.channels(),
            bundle.inputs(),
            bundle.masks(),
            bundle.timeSinceLast(),
            bundle.maxGapSteps(),
            bundle.calendar(),
            bundle.calendarZone(),
            bundle.knownFuture(),
            bundle.target(),
            bundle.scaling());

    assertThat(BundleFit.differences(bundle, dataset))
        .containsExactly("grid step (ticks) is 3600000000 in the bundle, 900000000 in the dataset");
  }
}
