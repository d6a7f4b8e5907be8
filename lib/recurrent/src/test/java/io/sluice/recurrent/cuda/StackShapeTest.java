package io.sluice.recurrent.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Direction;
import java.util.List;
import org.junit.jupiter.api.Test;

class StackShapeTest {
  @Test
  void blocksLieLayerAfterLayerAndForwardBeforeBackward() {
    var shape = new StackShape(Cell.LSTM, 3, 5, 2, true);

    List<StackShape.Part> parts = shape.parts();

    // 4·(I·H + H² + H), and a second layer that reads both directions of the first
    int first = 4 * (3 * 5 + 5 * 5 + 5);
    int second = 4 * (10 * 5 + 5 * 5 + 5);
    assertThat(parts).extracting(StackShape.Part::layer).containsExactly(0, 0, 1, 1);
    assertThat(parts)
        .extracting(StackShape.Part::direction)
        .containsExactly(
            Direction.FORWARD, Direction.BACKWARD, Direction.FORWARD, Direction.BACKWARD);
    assertThat(parts)
        .extracting(StackShape.Part::offset)
        .containsExactly(0L, (long) first, 2L * first, 2L * first + second);
    assertThat(shape.parameterCount()).isEqualTo(2L * first + 2L * second);
    assertThat(shape.outputSize()).isEqualTo(10);
  }

  @Test
  void aStackWithoutLayersIsRefused() {
    assertThatThrownBy(() -> new StackShape(Cell.GRU, 3, 5, 0, false))
        .hasMessage(
            "A stack of GRUs needs at least 1 layer, 1 input and 1 unit, but has layers=0, I=3, H=5");
  }

  @Test
  void blocksThatFollowEachOtherOnBothSidesMoveAsOne() {
    var moves =
        RnnDescriptor.merged(
            List.of(
                new RnnDescriptor.Move(6, 16, 2),
                new RnnDescriptor.Move(0, 10, 4),
                new RnnDescriptor.Move(4, 14, 2),
                new RnnDescriptor.Move(8, 40, 3)));

    assertThat(moves)
        .containsExactly(new RnnDescriptor.Move(0, 10, 8), new RnnDescriptor.Move(8, 40, 3));
  }
}
