using System.Text.Json;
using Quarank.Evaluation.Tasks;
using Quarank.Evaluation.Tasks.Data;
using Quarank.Evaluation.Tasks.Definitions;
using Xunit;

namespace Quarank.Tests.Evaluation.Tasks;

/// <summary>What each task asks of a row as Hugging Face has it, written out by hand.</summary>
public class TaskDefinitionTests
{
    private static readonly string[] MmluGroups = ["mmlu_stem", "mmlu_other", "mmlu_social_sciences", "mmlu_humanities"];

    [Fact]
    public void Piqa_asks_for_the_solution_of_a_goal() => Check("piqa", """{"goal":"dry hair","sol1":"towel","sol2":"oven","label":0}""", 0,
        ("Question: dry hair\nAnswer:", " towel"), ("Question: dry hair\nAnswer:", " oven"));

    [Theory]
    [InlineData("arc_easy")]
    [InlineData("arc_challenge")]
    public void Arc_asks_with_the_texts_of_its_answers(string task)
    {
        (string, string)[] pairs = [("Question: What is hot?\nAnswer:", " ice"), ("Question: What is hot?\nAnswer:", " fire"), ("Question: What is hot?\nAnswer:", " snow")];
        Check(task, """{"question":"What is hot?","choices":{"text":["ice","fire","snow"],"label":["1","2","3"]},"answerKey":"2"}""", 1, pairs);
        Check(task, """{"question":"What is hot?","choices":["ice","fire","snow"],"answer":1}""", 1, pairs);
    }

    [Theory]
    [InlineData("\"label\":1")]
    [InlineData("\"answer\":true")]
    public void Boolq_asks_no_or_yes(string label) => Check("boolq", $$"""{"passage":"Fire -- It burns.","question":"is fire hot",{{label}}}""", 1,
        ("Fire -- It burns.\nQuestion: is fire hot?\nAnswer:", " no"), ("Fire -- It burns.\nQuestion: is fire hot?\nAnswer:", " yes"));

    [Fact]
    public void Hellaswag_takes_marks_out_and_begins_the_second_part_large()
    {
        Check("hellaswag",
            """{"activity_label":"Baking","ctx_a":"[header] A cake [title] Mix it.","ctx_b":"the COOK","endings":["[step] eats  it.","sleeps [substeps] now"],"label":"1"}""", 1,
            ("Baking: A cake. Mix it. The cook", "  eats it."), ("Baking: A cake. Mix it. The cook", " sleeps now"));
        Check("hellaswag", """{"query":"Baking: A cake. He","endings":["eats.","sleeps."],"label":0}""", 0, ("Baking: A cake. He", " eats."), ("Baking: A cake. He", " sleeps."));
    }

    [Fact]
    public void Winogrande_puts_the_options_into_the_gap_and_scores_the_rest() => Check("winogrande",
        """{"sentence":"Ann paid Bob because _ was in debt.","option1":"Ann","option2":"Bob","answer":"1"}""", 0,
        ("Ann paid Bob because Ann", " was in debt."), ("Ann paid Bob because Bob", " was in debt."));

    [Fact]
    public void Openbookqa_asks_with_the_bare_stem() => Check("openbookqa",
        """{"question_stem":"The sun gives","choices":{"text":["light","rain"],"label":["A","B"]},"answerKey":"A"}""", 0, ("The sun gives", " light"), ("The sun gives", " rain"));

    [Fact]
    public void Lambada_asks_for_the_last_word() => Check("lambada_openai", """{"text":"\"Go,\" she said to the dog"}""", 0, ("\"Go,\" she said to the", " dog"));

    [Theory]
    [InlineData("""{"input_sentence_1":"A.","input_sentence_2":"B.","input_sentence_3":"C.","input_sentence_4":"D.","sentence_quiz1":"E.","sentence_quiz2":"F.","answer_right_ending":2}""")]
    [InlineData("""{"InputSentence1":"A.","InputSentence2":"B.","InputSentence3":"C.","InputSentence4":"D.","RandomFifthSentenceQuiz1":"E.","RandomFifthSentenceQuiz2":"F.","AnswerRightEnding":"2"}""")]
    public void Storycloze_joins_four_sentences(string row) => Check("storycloze_2016", row, 1, ("A. B. C. D.", " E."), ("A. B. C. D.", " F."));

    [Fact]
    public void Mmlu_lists_the_answers_and_scores_the_letter()
    {
        const string asked = "Two and two?\nA. 1\nB. 2\nC. 4\nD. 5\nAnswer:";
        Check("mmlu_abstract_algebra", """{"question":" Two and two?\n","subject":"abstract_algebra","choices":["1","2","4","5"],"answer":2}""", 2,
            (asked, " A"), (asked, " B"), (asked, " C"), (asked, " D"));
        Assert.Equal("The following are multiple choice questions (with answers) about abstract algebra.\n\n", TaskTable.Find("mmlu_abstract_algebra")[0].Description);
    }

    [Fact]
    public void Wikitext_prints_what_its_source_parts()
    {
        Assert.Equal("== A title ==", WikiText.Print("= = A title = ="));
        Assert.Equal("a 1,5-fold 3.5 rise, then (so he \"said\"): done; [x] {y} 'z'.\nIt's dogs' 5°C.",
            WikiText.Print("a 1 @,@ 5 @-@ fold 3 @.@ 5 rise , then ( so he \" said \" ) : done ; [ x ] { y } ' z '. \n It 's dogs ' 5 ° C."));
    }

    [Fact]
    public void Examples_are_the_question_with_its_answer()
    {
        Assert.Equal("Question: dry hair\nAnswer: oven", Read("piqa", """{"goal":"dry hair","sol1":"towel","sol2":"oven","label":"1"}""").Solved);
        Assert.Equal("Ann paid Bob as Bob was rich.",
            Read("winogrande", """{"sentence":"Ann paid Bob as _ was rich.","option1":"Ann","option2":"Bob","answer":"2"}""").Solved);
        Assert.Equal("a b c", Read("lambada_openai", """{"text":"a b c"}""").Solved);
    }

    [Theory]
    [InlineData("piqa", """{"goal":"g","sol1":"a","sol2":"b","label":-1}""", "row 7", "from 0 to 1", "secret")]
    [InlineData("piqa", """{"sol1":"a","sol2":"b","label":1}""", "\"goal\" is missing", "sol1")]
    [InlineData("arc_easy", """{"question":"q","choices":{"text":["a"],"label":["A"]},"answerKey":"B"}""", "none of the 1 labels A")]
    [InlineData("winogrande", """{"sentence":"none","option1":"a","option2":"b","answer":"1"}""", "no gap")]
    [InlineData("hellaswag", """{"query":"q","endings":[1],"label":0}""", "must be a text")]
    public void Rows_that_cannot_be_asked_are_named(string task, string row, params string[] said)
    {
        string message = Assert.Throws<InvalidDataException>(() => Read(task, row)).Message;
        foreach (string part in said) Assert.Contains(part, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mmlu_has_57_subjects_in_four_groups()
    {
        Assert.Equal(57, TaskTable.Find("mmlu").Count);
        Assert.Equal([19, 13, 12, 13], MmluGroups.Select(g => TaskTable.Find(g).Count));
        Assert.Equal(["piqa", "storycloze_2016"], TaskTable.Find(["piqa", "storycloze", "piqa"]).Select(t => t.Name));
        Assert.Contains("known are piqa, arc_easy", Assert.Throws<NotSupportedException>(() => TaskTable.Find("pica")).Message, StringComparison.Ordinal);
    }

    private static Question Read(string task, string row) => TaskTable.Find(task)[0].Read(new Document(JsonDocument.Parse(row).RootElement, "row 7"));

    private static void Check(string task, string row, int gold, params (string Context, string Continuation)[] pairs)
    {
        var question = Read(task, row);
        Assert.Equal(pairs.Select(p => new TextPair(p.Context, p.Continuation)), question.Pairs);
        Assert.Equal(gold, question.Gold);
    }
}
