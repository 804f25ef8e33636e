// discord.js against the fake of Discord: node second_client.mjs <api url> <token>. __main__.py starts it and plays the people.
import {
  ActionRowBuilder, ApplicationCommandType, AttachmentBuilder, ButtonBuilder, ButtonStyle, Client, GatewayIntentBits,
  InteractionContextType, MessageFlags, ModalBuilder, StringSelectMenuBuilder, TextInputBuilder, TextInputStyle,
} from "discord.js";

const [api, token] = process.argv.slice(2);
const client = new Client({
  intents: [GatewayIntentBits.Guilds],
  allowedMentions: { parse: [] },
  rest: { api, version: "10" },
});
const say = (what) => console.log(what);
const everywhere = [InteractionContextType.Guild, InteractionContextType.BotDM, InteractionContextType.PrivateChannel];

client.once("clientReady", async () => {
  await client.application.commands.set([
    {
      name: "create", description: "Begins a story.", contexts: everywhere, integrationTypes: [0, 1],
      options: [
        { name: "prompt", description: "What it shows.", type: 3, required: true, maxLength: 500, autocomplete: true },
        { name: "seconds", description: "How long.", type: 4, minValue: 1, maxValue: 10 },
        { name: "frame", description: "How it begins.", type: 11 },
      ],
    },
    { name: "Use it", type: ApplicationCommandType.Message, contexts: everywhere, integrationTypes: [0, 1] },
  ]);
  say("ready");
});

const row = (...parts) => new ActionRowBuilder().addComponents(...parts);
const buttons = () => row(
  new ButtonBuilder().setCustomId("continue").setLabel("Continue").setStyle(ButtonStyle.Primary),
  new ButtonBuilder().setURL("https://x.example").setLabel("Open").setStyle(ButtonStyle.Link),
);
const menu = () => row(
  new StringSelectMenuBuilder().setCustomId("clips").setPlaceholder("Clips").setMaxValues(2)
    .addOptions({ label: "Shot 1", value: "k7-1" }, { label: "Shot 2", value: "k7-2" }),
);

async function create(interaction) {
  await interaction.deferReply();
  const frame = interaction.options.getAttachment("frame");
  const shown = `**${interaction.options.getString("prompt")}** ${interaction.options.getInteger("seconds")} ${frame?.name}`;
  const status = await interaction.editReply({ content: shown, components: [buttons(), menu()] });
  const hidden = await interaction.followUp({ content: "only for you", flags: MessageFlags.Ephemeral });
  await interaction.editReply({ message: hidden, content: "changed" });
  if (!interaction.channel) return;
  const file = new AttachmentBuilder(Buffer.alloc(2 * 1024 * 1024, 1), { name: "k7-1.mp4" });
  const clip = await interaction.channel.send({
    content: `<@${interaction.user.id}> done`, files: [file], nonce: "11", enforceNonce: true,
    reply: { messageReference: status.id }, allowedMentions: { users: [interaction.user.id] },
  });
  await interaction.channel.send({ content: "again", nonce: "11", enforceNonce: true });
  await clip.edit({ content: "edited with the bot's token" });
  const thread = await clip.startThread({ name: "k7" });
  await thread.send("in the thread");
  await thread.setArchived(true);
  await clip.edit({ content: "edited once more" });
  await interaction.channel.messages.fetch(clip.id);
  await interaction.channel.messages.fetch({ limit: 5 });
  await interaction.user.send("in private");
  say("created");
}

client.on("interactionCreate", async (interaction) => {
  try {
    if (interaction.isAutocomplete()) {
      await interaction.respond([{ name: `${interaction.options.getFocused()}!`, value: "a lamp" }]);
    } else if (interaction.isChatInputCommand()) {
      await create(interaction);
    } else if (interaction.isMessageContextMenuCommand()) {
      const { content, attachments } = interaction.targetMessage;
      await interaction.reply({ content: `${content} ${attachments.size}`, flags: MessageFlags.Ephemeral, withResponse: true });
    } else if (interaction.isButton()) {
      const field = new TextInputBuilder().setCustomId("prompt").setLabel("What next?").setStyle(TextInputStyle.Paragraph);
      await interaction.showModal(new ModalBuilder().setCustomId("next").setTitle("Continue").addComponents(row(field)));
    } else if (interaction.isModalSubmit()) {
      await interaction.reply(`next: ${interaction.fields.getTextInputValue("prompt")}`);
    } else if (interaction.isStringSelectMenu()) {
      await interaction.update({ content: interaction.values.join(" "), components: [] });
    }
  } catch (error) {
    say(`failed: ${error.status} ${error.code} ${error.message}`);
  }
});
client.on("shardResume", (shard, replayed) => say(`resumed ${replayed}`));
client.on("error", (error) => say(`failed: ${error.message}`));
await client.login(token);
