package io.sluice.recurrent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlacementSearchTest {
  /** Of blocks whose costs are small whole numbers, so that many placements are equal. */
  private record Costs(int[] seconds, int[] loads, int[] factors, double limit)
      implements PlacementSearch.Cost {
    @Override
    public double seconds(int stage, int first, int end) {
      return IntStream.range(first, end).map(block -> seconds[block]).sum();
    }

    @Override
    public double load(int stage, int first, int end) {
      return factors[stage] * IntStream.range(first, end).map(block -> loads[block]).sum() / limit;
    }

    double slowest(Placement placement) {
      return IntStream.range(0, placement.count())
          .mapToDouble(s -> seconds(s, placement.first(s), placement.end(s)))
          .max()
          .orElseThrow();
    }

    double fullest(Placement placement) {
      return IntStream.range(0, placement.count())
          .mapToDouble(s -> load(s, placement.first(s), placement.end(s)))
          .max()
          .orElseThrow();
    }
  }

  @Test
  void findsWhatTryingAllPlacementsFinds() {
    var random = new Random(11);
    int refused = 0;
    for (int trial = 0; trial < 3000; trial++) {
      int blocks = 1 + random.nextInt(7);
      int stages = 1 + random.nextInt(blocks);
      var costs =
          new Costs(
              numbers(random, blocks, 6),
              numbers(random, blocks, 6),
              numbers(random, stages, 3),
              1 + random.nextInt(60));
      Optional<Placement> expected =
          all(blocks, stages).stream()
              .filter(each -> costs.fullest(each) <= 1)
              .min(Comparator.comparingDouble(costs::slowest).thenComparing(costs::fullest));

      Optional<Placement> found = new PlacementSearch(blocks, stages, costs).best();

      assertThat(found.map(costs::slowest)).isEqualTo(expected.map(costs::slowest));
      assertThat(found.map(costs::fullest)).isEqualTo(expected.map(costs::fullest));
      refused += expected.isEmpty() ? 1 : 0;
      double least = all(blocks, stages).stream().mapToDouble(costs::fullest).min().orElseThrow();
      assertThat(costs.fullest(new PlacementSearch(blocks, stages, costs).emptiest()))
          .isEqualTo(least);
    }
    assertThat(refused).isBetween(300, 2700);
  }

  private static int[] numbers(Random random, int count, int most) {
    return random.ints(count, 1, most + 1).toArray();
  }

  private static List<Placement> all(int blocks, int stages) {
    var all = new ArrayList<Placement>();
    for (int cuts = 0; cuts < 1 << (blocks - 1); cuts++) {
      if (Integer.bitCount(cuts) == stages - 1) {
        var stageOf = new ArrayList<Integer>();
        for (int block = 0; block < blocks; block++) {
          stageOf.add(Integer.bitCount(cuts & ((1 << block) - 1)));
        }
        all.add(new Placement(stageOf));
      }
    }
    return all;
  }
}
