using Quarank.Models;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>Sequences that share beginnings, run as one batch, against each run alone.</summary>
public class SequencePartTests
{
    private readonly SomeLlama _tiny = SomeLlama.Build(31);

    [Fact]
    public void Endings_of_one_beginning_get_the_states_they_have_in_sequences_of_their_own()
    {
        var model = _tiny.Load();
        int[] beginning = _tiny.Ids(70), left = _tiny.Ids(9, 6), right = _tiny.Ids(1, 7), leaf = _tiny.Ids(5, 8), other = _tiny.Ids(33, 9);
        // A tree: two endings of one beginning, one more after the second of them, and then a sequence of another beginning.
        var states = model.Forward([.. beginning, .. left, .. right, .. leaf, .. other], [new(0, 70), new(70, 9), new(70, 1), new(71, 5), new(0, 33)]);

        AssertRows(model.Forward([.. beginning, .. left]), 0, states, 0, 79);
        AssertRows(model.Forward([.. beginning, .. right, .. leaf]), 70, states, 79, 6);
        AssertRows(model.Forward(other), 0, states, 85, 33);
    }

    [Fact]
    public void A_batch_may_have_more_rows_than_the_context_has_positions()
    {
        var model = _tiny.Load();
        var ids = _tiny.Ids(150);
        var states = model.Forward([.. ids, .. ids], [new(0, 150), new(0, 150)]);
        AssertRows(model.Forward(ids), 0, states, 150, 150);
    }

    [Fact]
    public void Parts_that_cannot_be_are_refused()
    {
        var model = _tiny.Load();
        var ids = _tiny.Ids(20);
        Refused(new(0, 10), new(11, 10));   // position 10 was never read
        Refused(new(0, 20), new(20, 0));
        Refused(new(0, 10), new(10, 9));
        Refused(new(0, 5), new(-1, 15));
        Refused();
        Assert.Contains("context of 160", Assert.Throws<ArgumentException>(() => model.Forward(_tiny.Ids(161), [new(0, 161)])).Message, StringComparison.Ordinal);

        void Refused(params SequencePart[] parts) => Assert.Throws<ArgumentException>(() => model.Forward(ids, parts));
    }

    private static void AssertRows(Matrix<float> expected, int from, Matrix<float> found, int row, int count)
    {
        for (int i = 0; i < count; i++)
            Assert.Equal(expected.Row(from + i).ToArray(), found.Row(row + i).ToArray(), (a, b) => Math.Abs(a - b) < 2e-5f);
    }
}
