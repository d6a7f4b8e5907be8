package io.sluice.recurrent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class PlacementTest {
  @Test
  void whatIsAboveTheRecurrentLayersGoesWithTheLastOfThemUnlessItIsNamed() {
    assertThat(Placement.of(List.of(0, 0, 1), 3).stages()).containsExactly(0, 0, 1, 1);
    assertThat(Placement.of(List.of(0, 0, 1, 2), 3).stages()).containsExactly(0, 0, 1, 2);
  }

  @Test
  void aStageKnowsItsBlocks() {
    var placement = new Placement(List.of(0, 0, 0, 1, 2, 2));

    assertThat(placement.count()).isEqualTo(3);
    assertThat(placement.blocks()).isEqualTo(6);
    assertThat(placement.recurrentLayers()).isEqualTo(5);
    assertThat(placement.first(1)).isEqualTo(3);
    assertThat(placement.end(1)).isEqualTo(4);
    assertThat(placement.layersOf(0)).isEqualTo("recurrent layers 0 to 2");
    assertThat(placement.layersOf(1)).isEqualTo("recurrent layer 3");
    assertThat(placement.layersOf(2)).isEqualTo("recurrent layer 4 and head");
    assertThat(new Placement(List.of(0, 1)).layersOf(1)).isEqualTo("head");
    assertThat(placement).hasToString("[0, 0, 0, 1, 2, 2]");
    assertThat(Placement.ofStarts(List.of(0, 3, 4), 6)).isEqualTo(placement);
  }

  @Test
  void whatIsNoPlacementIsRefused() {
    assertThatThrownBy(() -> Placement.of(List.of(0, 1), 3))
        .hasMessage(
            "must have 3 entries, a stage for each recurrent layer, or 4 with one for what is above them, but has 2: [0, 1]");
    assertThatThrownBy(() -> Placement.of(List.of(1, 1, 1), 3))
        .hasMessage(
            "must begin with 0, because the lowest layer is on the first stage, but is [1, 1, 1]");
    assertThatThrownBy(() -> Placement.of(List.of(0, 2, 2), 3))
        .hasMessage(
            "must stay or rise by 1 from each layer to the next, but goes from 0 to 2: [0, 2, 2]");
    assertThatThrownBy(() -> Placement.of(List.of(0, 1, 0), 3))
        .hasMessage(
            "must stay or rise by 1 from each layer to the next, but goes from 1 to 0: [0, 1, 0]");
  }
}
