package io.sluice.training.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.OperationFailedException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class StagePartsTest {
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Duration NONE = Duration.ZERO;

  private final StageParts parts = new StageParts(4);

  private void tell(long step, int... stages) {
    for (int stage : stages) {
      parts.told(new StagePart(step, stage, true, step + " of " + stage));
    }
  }

  @Test
  void namesComeInTheOrderOfStagesWhenAllAreThere() throws Exception {
    var teller = CompletableFuture.runAsync(() -> tell(7, 3, 1, 2));

    assertThat(parts.await(7, LONG)).containsExactly("7 of 1", "7 of 2", "7 of 3");

    teller.join();
  }

  @Test
  void aSingleStageWaitsForNobody() throws Exception {
    assertThat(new StageParts(1).await(7, NONE)).isEmpty();
  }

  @Test
  void aStageThatIsAheadIsHeardWhenItsStepIsDue() throws Exception {
    tell(8, 1);
    tell(7, 1, 2, 3);
    tell(8, 2, 3);

    assertThat(parts.await(7, NONE)).containsExactly("7 of 1", "7 of 2", "7 of 3");
    assertThat(parts.await(8, NONE)).containsExactly("8 of 1", "8 of 2", "8 of 3");
  }

  @Test
  void stagesThatAreLateAreNamedAndTheirPartsForgotten() throws Exception {
    tell(7, 2);

    assertThatThrownBy(() -> parts.await(7, Duration.ofMillis(1)))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Cannot write the checkpoint of step 7: no part of pipeline stages 1, 3 after 0 s. See there whether train.checkpoint.path hangs; resume continues from the checkpoint before.");

    tell(7, 1, 3);
    tell(8, 1, 2);
    assertThatThrownBy(() -> parts.await(8, NONE)).hasMessageContaining("pipeline stage 3 after");
  }

  @Test
  void allThatFailedAreToldOnceAllHaveSpoken() {
    parts.told(new StagePart(7, 3, false, "Stage 3's disk is full."));
    parts.told(new StagePart(7, 1, false, "Stage 1's disk is full."));
    tell(7, 2);

    assertThatThrownBy(() -> parts.await(7, NONE))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage("Stage 1's disk is full. Stage 3's disk is full.");
  }

  @Test
  void aLinkThatIsLostEndsTheWaitAtOnce() {
    tell(7, 1);
    var waiting =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return parts.await(7, LONG);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });

    parts.abort("rank 2 closed its link.");

    assertThatThrownBy(waiting::join)
        .hasCauseInstanceOf(OperationFailedException.class)
        .hasMessageEndingWith(
            "Cannot write the checkpoint of step 7: no part of pipeline stages 2, 3 will come: rank 2 closed its link.");
  }

  @Test
  void whatIsThereOutlivesALinkThatIsLost() throws Exception {
    tell(7, 1, 2, 3);

    parts.abort("rank 2 closed its link.");

    assertThat(parts.await(7, NONE)).hasSize(3);
  }

  @Test
  void theFirstStageAndThoseThereAreNotAreRefused() {
    assertThatThrownBy(() -> tell(7, 0)).hasMessage("stage is 0, must be in [1, P = 4)");
    assertThatThrownBy(() -> tell(7, 4)).hasMessage("stage is 4, must be in [1, P = 4)");
  }
}
